import type { Step, Strategy } from "../api/canary.ts";

/**
 * The steps by which a strategy brings a new version to its users; at least one. Everything that walks, counts or shows
 * steps asks here, so that a strategy is one more way to write them down.
 */
export function stepsOf(strategy: Strategy): readonly Step[] {
  return strategy.canary.steps;
}

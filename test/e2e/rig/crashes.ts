import { seededRandom } from "../../../src/sandbox/random.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { CanaryStatus } from "../../../src/api/status.ts";
import type { Rig } from "./rig.ts";
import type { Shop } from "./shop.ts";

interface CrashOptions {
  readonly rig: Rig;
  readonly shop: Shop;
  /** The same seed chooses by the same numbers. */
  readonly seed: number;
  /** Share of the transitions at which the controller is killed, 0 to 1. */
  readonly share: number;
}

/**
 * Kills the controller when a canary has got into a new state, and starts another at once. Returns what ends it; that
 * throws when the controller was never killed.
 */
export function crashAtTransitions({ rig, shop, seed, share }: CrashOptions): () => Promise<void> {
  const random = seededRandom(seed);
  let over = false;
  let crashes = 0;
  const loop = async (): Promise<void> => {
    const seen = new Set<string>();
    while (!over) {
      const state = stateOf(await shop.status().catch(() => ({})));
      if (state !== "" && !seen.has(state)) {
        seen.add(state);
        if (random() < share) {
          crashes += 1;
          shop.timeline.note(`the controller is killed at ${state}`);
          await rig.controller.crash();
        }
      }
      await sleep(20);
    }
  };
  const running = loop();
  return async () => {
    over = true;
    await running;
    console.log(`the controller was killed ${crashes} times`);
    if (crashes === 0) throw new Error("the controller was never killed: choose another seed");
  };
}

/** What makes one transition different from another; sentences with numbers in them do not. */
function stateOf({ phase, step, weight, why, target }: CanaryStatus): string {
  if (phase === undefined) return "";
  return [target?.revision ?? "", phase, step ?? "", weight ?? 0, why?.rule ?? ""].join(" ");
}

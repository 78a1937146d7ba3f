import { PAST } from "../../../src/analysis/past.ts";
import type { ArmInterval, Count, Interval } from "../../../src/analysis/types.ts";
import type { Arm } from "../../../src/cli/world/arm.ts";
import { valueAt } from "../../../src/lib/curve.ts";
import { drawArm, EDGES_MS, outageIn, partsOf, type Part } from "../../../src/sandbox/simulation/arms.ts";
import { binomial, clustered, hashOf, poisson, seeded, type Random } from "../../../src/sandbox/simulation/draws.ts";
import type { Scenario } from "./scenario.ts";

interface Moment {
  /** Requests of both arms together in the interval, expected. */
  readonly requests: number;
  readonly primary: readonly Part[];
  readonly canary: readonly Part[];
}

/** One interval as drawn, and how many bad requests the canary was to be expected to have. */
export interface Drawn {
  readonly interval: Interval;
  readonly expectedBad: number;
}

/** What every run of a scenario at one rate has in common. */
export interface World {
  readonly scenario: Scenario;
  readonly rps: number;
  readonly moments: readonly Moment[];
}

export function buildWorld(scenario: Scenario, rps: number): World {
  const looks = Math.round((scenario.maxMinutes * 60) / scenario.intervalSeconds);
  const moments = Array.from({ length: looks }, (_, look) => momentOf(scenario, rps, look));
  return { scenario, rps, moments };
}

function momentOf(scenario: Scenario, rps: number, look: number): Moment {
  const minutes = scenario.intervalSeconds / 60;
  const span = { from: look * minutes, minutes };
  const middle = (look + 0.5) * minutes;
  const outage = outageIn(scenario.outages, span);
  const requests =
    rps * scenario.intervalSeconds * Math.max(0, valueAt(scenario.traffic, middle)) * (outage?.trafficFactor ?? 1);
  const parts = (arm: Arm) => partsOf(arm, span, outage);
  return { requests, primary: parts(scenario.primary), canary: parts(scenario.canary) };
}

/**
 * One run of a world. The same run, look and weight always give the same numbers, so that all judges see the same
 * draws as long as they ask for the same weights.
 */
export class Run {
  readonly world: World;
  readonly #seeds: readonly number[];
  readonly #drawn = new Map<number, Drawn>();

  constructor(world: World, seed: number, run: number) {
    this.world = world;
    this.#seeds = [seed, hashOf(world.scenario.name), Math.round(world.rps * 1_000), run];
  }

  /** The interval that ends at look `look + 1`, with the canary at `weight` percent. */
  draw(look: number, weight: number): Drawn {
    const key = look * 1_000 + weight;
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const random = seeded(...this.#seeds, look, weight);
    const { intervalSeconds, metrics } = this.world.scenario;
    const moment = this.world.moments[look] ?? { requests: 0, primary: [], canary: [] };
    const arm = (parts: readonly Part[], share: number, rates: ReadonlyMap<string, number>) =>
      drawInterval(random, poisson(random, moment.requests * share), parts, rates);
    const primary = arm(moment.primary, 1 - weight / 100, new Map(metrics.map((each) => [each.name, each.primary])));
    const canary = arm(moment.canary, weight / 100, new Map(metrics.map((each) => [each.name, each.canary])));
    const badShare = moment.canary.reduce((sum, part) => sum + part.share * part.errorRate, 0);
    const drawn: Drawn = {
      interval: { from: look * intervalSeconds * 1_000, to: (look + 1) * intervalSeconds * 1_000, canary, primary },
      expectedBad: (moment.requests * weight * badShare) / 100,
    };
    this.#drawn.set(key, drawn);
    return drawn;
  }

  /** The primary in the hours before, in steps, oldest first, by check. */
  history(): Readonly<Record<string, readonly Count[]>> {
    const { scenario, rps } = this.world;
    const minutes = PAST.stepSeconds / 60;
    const parts = partsOf(scenario.primary, { from: 0, minutes }, undefined);
    const rate = parts.reduce((sum, part) => sum + part.share * part.errorRate, 0);
    const random = seeded(...this.#seeds, 0x415);
    const traffic = rps * PAST.stepSeconds * Math.max(0, valueAt(scenario.traffic, 0));
    const past = (share: number, size: number): Count[] =>
      Array.from({ length: (PAST.hours * 3_600) / PAST.stepSeconds }, () => {
        const total = poisson(random, traffic);
        return { total, bad: clustered(random, total, share, size) };
      });
    const errors = past(rate, scenario.primary.clusterSize);
    const metrics = scenario.metrics.map(({ name, primary }) => [name, past(primary, 1)] as const);
    return { errors, ...Object.fromEntries(metrics) };
  }
}

function drawInterval(
  random: Random,
  requests: number,
  parts: readonly Part[],
  rates: ReadonlyMap<string, number>,
): ArmInterval {
  const { errors, counts } = drawArm(random, requests, parts);
  const events: Record<string, Count> = {};
  for (const [name, rate] of rates) events[name] = { total: requests, bad: binomial(random, requests, rate) };
  return { requests, errors, latency: { edges: EDGES_MS, counts }, events };
}

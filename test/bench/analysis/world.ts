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

  /** Bad events of two halves of the primary's pods in the hour before, in intervals of 30 s, by check. */
  history(): Readonly<Record<string, Past>> {
    const { scenario, rps } = this.world;
    const { badPods: bad, clusterSize } = scenario.primary;
    const parts = partsOf({ ...scenario.primary, badPods: undefined }, { from: 0, minutes: 0.5 }, undefined);
    const rate = parts.reduce((sum, part) => sum + part.share * part.errorRate, 0);
    const rateOfBadHalf = bad === undefined ? rate : rate * (1 - 2 * bad.share) + bad.errorRate * 2 * bad.share;
    const random = seeded(...this.#seeds, 0x415);
    const traffic = (rps * 30 * Math.max(0, valueAt(scenario.traffic, 0))) / 2;
    const past = (rates: readonly [number, number], size: number): Past => {
      let requests = 0;
      const half = (p: number) => {
        const served = poisson(random, traffic);
        requests += served;
        return clustered(random, served, p, size);
      };
      return { halves: Array.from({ length: 120 }, () => ({ a: half(rates[0]), b: half(rates[1]) })), requests };
    };
    const errors = past([rateOfBadHalf, rate], clusterSize);
    const metrics = scenario.metrics.map(({ name, primary }) => [name, past([primary, primary], 1)] as const);
    return { errors, ...Object.fromEntries(metrics) };
  }
}

/** Bad events of two halves of the primary's pods in one interval. */
interface Halves {
  readonly a: number;
  readonly b: number;
}

/** What is known of the primary from the hour before. */
export interface Past {
  readonly halves: readonly Halves[];
  readonly requests: number;
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

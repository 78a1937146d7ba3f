import type { ArmInterval, Count, Interval } from "../../../src/analysis/types.ts";
import { normalCdf } from "../../../src/analysis/numeric.ts";
import { binomial, clustered, hashOf, poisson, seeded, type Random } from "./random.ts";
import { valueAt, type Arm, type Endpoint, type Latency, type Scenario } from "./scenario.ts";

/** Prometheus' default bucket edges, in ms. */
export const EDGES = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

interface Part {
  readonly share: number;
  readonly errorRate: number;
  readonly clusterSize: number;
  /** P(latency ≤ edge), one for each edge. */
  readonly within: readonly number[];
}

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
  const middle = (look + 0.5) * minutes;
  const outage = scenario.outages.find(({ fromMinute, toMinute }) => middle >= fromMinute && middle < toMinute);
  const requests =
    rps * scenario.intervalSeconds * Math.max(0, valueAt(scenario.traffic, middle)) * (outage?.trafficFactor ?? 1);
  const parts = (arm: Arm) =>
    partsOf(arm, look * minutes, minutes).map((part) => ({
      ...part,
      errorRate: Math.max(part.errorRate, outage?.errorRate ?? 0),
      clusterSize: Math.max(part.clusterSize, outage?.clusterSize ?? 1),
    }));
  return { requests, primary: parts(scenario.primary), canary: parts(scenario.canary) };
}

function partsOf(arm: Arm, from: number, minutes: number): Part[] {
  const middle = from + minutes / 2;
  const kinds: readonly Endpoint[] = arm.endpoints ?? [{ share: 1, errorRate: arm.errorRate, latency: arm.latency }];
  const cold = arm.coldStart;
  const coldPart = cold === undefined ? 0 : Math.min(1, Math.max(0, (cold.seconds / 60 - from) / minutes));
  const parts = kinds.map((kind): Part => {
    const warm = within(kind.latency, middle, 1);
    const slow = cold === undefined ? warm : within(kind.latency, middle, cold.factor);
    const share = (cold?.share ?? 0) * coldPart;
    return {
      share: kind.share,
      errorRate: Math.min(1, Math.max(0, valueAt(kind.errorRate, middle))),
      clusterSize: arm.clusterSize,
      within: warm.map((value, index) => value * (1 - share) + (slow[index] ?? 0) * share),
    };
  });
  const bad = arm.badPods;
  if (bad === undefined) return parts;
  return parts.flatMap((part) => [
    { ...part, share: part.share * (1 - bad.share) },
    { ...part, share: part.share * bad.share, errorRate: bad.errorRate },
  ]);
}

function within(latency: Latency, minute: number, factor: number): number[] {
  const below = (edge: number, median: number, sigma: number) => normalCdf(Math.log(edge / (median * factor)) / sigma);
  const { part } = latency;
  return EDGES.map((edge) => {
    const body = below(edge, valueAt(latency.medianMs, minute), latency.sigma);
    return part === undefined ? body : body * (1 - part.share) + below(edge, part.medianMs, part.sigma) * part.share;
  });
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
      drawArm(random, poisson(random, moment.requests * share), parts, rates);
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
    const parts = partsOf({ ...scenario.primary, badPods: undefined }, 0, 0.5);
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

function drawArm(
  random: Random,
  requests: number,
  parts: readonly Part[],
  rates: ReadonlyMap<string, number>,
): ArmInterval {
  const counts = EDGES.map(() => 0);
  let [errors, rest, shareLeft] = [0, requests, 1];
  for (const part of parts) {
    const n = shareLeft <= part.share ? rest : binomial(random, rest, part.share / shareLeft);
    rest -= n;
    shareLeft -= part.share;
    errors += clustered(random, n, part.errorRate, part.clusterSize);
    addLatencies(random, n, part.within, counts);
  }
  const events: Record<string, Count> = {};
  for (const [name, rate] of rates) events[name] = { total: requests, bad: binomial(random, requests, rate) };
  return { requests, errors, latency: { edges: EDGES, counts }, events };
}

function addLatencies(random: Random, n: number, within: readonly number[], counts: number[]): void {
  let [below, left, before] = [0, n, 0];
  within.forEach((share, index) => {
    const inBucket =
      before >= 1 ? left : binomial(random, left, Math.min(1, Math.max(0, (share - before) / (1 - before))));
    below += inBucket;
    left -= inBucket;
    before = share;
    counts[index] = (counts[index] ?? 0) + below;
  });
}

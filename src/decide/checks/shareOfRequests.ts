import type { Judging, RolloutMemory } from "../../api/status.ts";
import { streamKey } from "../tile.ts";
import type { TakenTile } from "../taken.ts";

/** Requests of both versions while the weight stayed the same. */
export type SharedRequests = NonNullable<Judging["requests"]>;

/** χ² with one degree of freedom exceeds this with a probability of one in a thousand. */
const SURE = 10.83;
/** Data planes draw backends in their own ways: smaller differences are nobody's mistake, however sure. */
const RELATIVE = 0.25;
/** Requests to be expected in the smaller part before anything is said. */
const ENOUGH = 50;

/** Adds the requests of a tile to those at the same weight; undefined where the weight does not say who gets what. */
export function addRequests(rollout: RolloutMemory, tile: TakenTile, splits: boolean): SharedRequests | undefined {
  const { weight, matched, mirror } = rollout;
  if (!splits || matched === true || mirror !== undefined || weight <= 0 || weight >= 100) return undefined;
  // What is left of the weight before may come after the change.
  if (tile.from < Date.parse(rollout.effectiveSince ?? "")) return rollout.judging?.requests;
  const counted = tile.sources
    .flatMap(({ check }) => [streamKey(check, "Errors"), streamKey(check, "Objective")])
    .map((key) => tile.streams[key])
    .find((stream) => stream?.kind === "counts");
  if (counted === undefined) return rollout.judging?.requests;
  const { requests: before } = rollout.judging ?? {};
  const same = before?.weight === weight ? before : { weight, canary: 0, primary: 0 };
  const sum = {
    ...same,
    canary: same.canary + counted.canary.total,
    primary: same.primary + counted.primary.total,
  };
  return isOff(sum) ? { ...sum, off: true } : sum;
}

/** Whether the canary's part of the requests does not fit its weight: the sample-ratio test. */
function isOff({ weight, canary, primary }: SharedRequests): boolean {
  const [total, share] = [canary + primary, weight / 100];
  const expected = total * share;
  if (Math.min(expected, total - expected) < ENOUGH) return false;
  const difference = Math.abs(canary - expected);
  return difference ** 2 / (expected * (1 - share)) > SURE && difference > RELATIVE * expected;
}

export function sayRequests({ weight, canary, primary }: SharedRequests): string {
  const percent = Number(((100 * canary) / (canary + primary)).toPrecision(2));
  return `the canary gets ${percent} % of the requests, and its weight is ${weight} %: look for clients that stay with one version, retries, or a way past the route`;
}

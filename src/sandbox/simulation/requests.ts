import type { Behaviour } from "../../cli/programs.ts";
import { binomial, seededRandom } from "../random.ts";

export type Arm = "canary" | "primary";

/** What one version has answered since the beginning. */
export interface Answered {
  requests: number;
  failed: number;
  /** Answers within each of `EDGES_MS`. */
  readonly within: number[];
}

/** Who gets which part of the requests, in percent. */
export interface Parts {
  readonly canary: number;
  /** Copies beside it that the canary answers as well, and whose answers nobody sees. */
  readonly copies: number;
  /** The primary runs the new version already. */
  readonly promoted: boolean;
}

export interface RequestsOptions {
  readonly seed: number;
  /** Requests in a second. */
  readonly rps: number;
  readonly behaviour: Readonly<Record<Arm, Behaviour>>;
}

export interface Requests {
  readonly answered: Readonly<Record<Arm, Answered>>;
  /** Of those to the canary, what users have met. */
  readonly met: Readonly<Pick<Answered, "requests" | "failed">>;
  /** The requests of the next so many milliseconds. */
  pass(milliseconds: number, parts: Parts): void;
}

/** Bounds of the histograms, in milliseconds. */
export const EDGES_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Requests at random, each by itself: nothing fails in bursts, as it does in reality. The same seed gives the same ones. */
export function createRequests({ seed, rps, behaviour }: RequestsOptions): Requests {
  const random = seededRandom(seed);
  const none = (): Answered => ({ requests: 0, failed: 0, within: EDGES_MS.map(() => 0) });
  const answered = { canary: none(), primary: none() };
  const met = { requests: 0, failed: 0 };
  let due = 0;
  const answer = (arm: Arm, requests: number, like: Arm = arm): number => {
    const { errors, latencyMs } = behaviour[like];
    const failed = binomial(random, requests, errors);
    answered[arm].requests += requests;
    answered[arm].failed += failed;
    let quicker = requests;
    // From the slowest down: of those within one bound, some are within the next as well.
    for (let index = EDGES_MS.length - 1, above = 1; index >= 0; index--) {
      const share = shareWithin(EDGES_MS[index] ?? 0, latencyMs);
      quicker = binomial(random, quicker, share / above);
      above = share;
      answered[arm].within[index] = (answered[arm].within[index] ?? 0) + quicker;
    }
    return failed;
  };
  return {
    answered,
    met,
    pass(milliseconds, { canary, copies, promoted }) {
      due += (rps * milliseconds) / 1_000;
      const all = Math.floor(due);
      due -= all;
      const toCanary = binomial(random, all, canary / 100);
      met.requests += toCanary;
      met.failed += answer("canary", toCanary);
      answer("canary", binomial(random, all, copies / 100));
      answer("primary", all - toCanary, promoted ? "canary" : "primary");
    },
  };
}

/** Latencies are log-logistic around their median: one in a hundred takes 2.5 times as long. Source: our choice. */
const SHAPE = 5;

function shareWithin(milliseconds: number, medianMs: number): number {
  return 1 / (1 + (medianMs / milliseconds) ** SHAPE);
}

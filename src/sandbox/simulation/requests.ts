import type { WorldModel } from "../../cli/world/world.ts";
import { valueAt } from "../../lib/curve.ts";
import { drawArm, EDGES_MS, outageIn, partsOf } from "./arms.ts";
import type { Span } from "./arms.ts";
import { binomial, poisson, seeded } from "./draws.ts";

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

export interface Requests {
  readonly answered: Readonly<Record<Arm, Answered>>;
  /** Of those to the canary, what users have met. */
  readonly met: Readonly<Pick<Answered, "requests" | "failed">>;
  /** The requests of so many minutes from a minute on; before the release, that of the primary at minute 0 go on. */
  pass(span: Span, parts: Parts): void;
}

/** Requests at random, as a Poisson process that the weight splits. The same seed gives the same ones. */
export function createRequests(world: Pick<WorldModel, "seed" | "rps" | "traffic" | "outages" | Arm>): Requests {
  const random = seeded(world.seed);
  const none = (): Answered => ({ requests: 0, failed: 0, within: EDGES_MS.map(() => 0) });
  const answered = { canary: none(), primary: none() };
  const met = { requests: 0, failed: 0 };
  let firstWeight: number | undefined;
  return {
    answered,
    met,
    pass(span, { canary, copies, promoted }) {
      if (canary + copies > 0) firstWeight ??= span.from;
      const outage = span.from < 0 ? undefined : outageIn(world.outages, span);
      const { from, minutes } = { from: Math.max(0, span.from), minutes: span.minutes };
      const factor = valueAt(world.traffic, from + minutes / 2) * (outage?.trafficFactor ?? 1);
      const all = poisson(random, world.rps * minutes * 60 * factor);
      const answer = (arm: Arm, requests: number, like: Arm = arm): number => {
        if (requests === 0) return 0;
        const parts = partsOf(world[like], { from, minutes, firstWeight: firstWeight ?? from }, outage);
        const { errors, counts } = drawArm(random, requests, parts);
        const to = answered[arm];
        to.requests += requests;
        to.failed += errors;
        counts.forEach((count, index) => (to.within[index] = (to.within[index] ?? 0) + count));
        return errors;
      };
      const toCanary = binomial(random, all, canary / 100);
      met.requests += toCanary;
      met.failed += answer("canary", toCanary);
      answer("canary", binomial(random, all, copies / 100));
      answer("primary", all - toCanary, promoted ? "canary" : "primary");
    },
  };
}

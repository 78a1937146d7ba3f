import { isUsed, sameShare, shareOf } from "../../api/share.ts";
import type { Share } from "../../api/share.ts";
import { scaleUp } from "../capacity.ts";
import { calmInMs, contended, contentionSentence, retryInMs, WAYS_OUT } from "../contention.ts";
import { primaryHasRevision } from "../rollout.ts";
import { timestamp } from "../situation.ts";
import { isAnswered } from "../traffic.ts";
import type { Answered, Situation } from "../situation.ts";

/**
 * Pauses a rollout while somebody else changes back what it has set, and says who. Where users are safe with what the
 * other one wants, that is less weight or fewer pods before the first weight, Aviary stands aside and tries again now
 * and then. It goes on by itself when that has held for some minutes, or when somebody resumes it.
 */
export function standAside(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || primaryHasRevision(s, rollout)) return undefined;
  const entry = contended(s);
  if (entry === undefined) return undefined;
  const { waitingSince: _waiting, ...waiting } = rollout;
  const sentence = contentionSentence(s, entry);
  const message = `${sentence}: the rollout waits until that has stopped for some minutes. To end it, ${WAYS_OUT[entry.field]}`;
  const paused = { phase: "Paused", message, awaiting: { reason: "Contended", message } } as const;
  const scale = isUsed(rollout) ? scaleUp(s, rollout) : undefined;
  if (scale !== undefined) {
    return { ...paused, actions: [scale], memory: { rollout: waiting }, reasserts: "Replicas" };
  }
  const share = shareOf(rollout);
  if (!sameShare(s.route, share) || !s.route.uniform) {
    const { effectiveSince: _effective, ...rest } = waiting;
    const leftMs = retryInMs(s, entry);
    if (isAnswered(s, share) && (leftMs <= 0 || isMore(s.route, share))) {
      return {
        ...paused,
        actions: [{ kind: "setWeight", ...share }],
        memory: { rollout: { ...rest, weightSince: timestamp(s.now) } },
        reasserts: "Weight",
      };
    }
    return { ...paused, actions: [], memory: { rollout: rest }, recheckAfterMs: Math.max(1_000, leftMs) };
  }
  return { ...paused, actions: [], memory: { rollout: waiting }, recheckAfterMs: Math.max(1_000, calmInMs(s, entry)) };
}

/** Whether the route gives the canary anything that it should not have. */
function isMore({ weight = 0, matched = false, mirror = 0 }: Situation["route"], share: Share): boolean {
  return weight > share.weight || (matched && share.matched !== true) || mirror > (share.mirror ?? 0);
}

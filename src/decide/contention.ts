import type { ContendedField, Contention } from "../api/status.ts";
import { clip } from "../lib/text.ts";
import { elapsedMs, timestamp } from "./situation.ts";
import type { Situation } from "./situation.ts";
import type { Decision, Observation } from "./types.ts";

/** So often is a field put back before it counts as contended. */
const CONTENDED_AT = 3;

/** What has held for so long is settled, in milliseconds. Longer than GitOps tools usually take to apply again. */
const CALM_MS = 300_000;

/** Idle pods cost nobody a request, so for that long nobody is asked again to do without them, in milliseconds. */
const CALM_AT_REST_MS = 3_600_000;

/** When Aviary stands aside it tries again after so many milliseconds, and later each time up to the limit. */
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 480_000;

/** What of the contention that the status remembers is not settled yet. */
export function unsettled({ now, canary, target }: Observation): Contention[] | undefined {
  const resting = canary.status?.rollout === undefined;
  const held = (canary.status?.contention ?? []).filter(({ field, last }) => {
    if (field !== "Replicas" || !resting) return elapsedMs(now, last) < CALM_MS;
    return (target?.replicas ?? 0) > 0 || elapsedMs(now, last) < CALM_AT_REST_MS;
  });
  return held.length === 0 ? undefined : held;
}

/** Who has written a field beside Aviary; undefined when nobody is known to have. */
export function managersOf({ writers }: Observation, field: ContendedField): string | undefined {
  const names = writers?.[field] ?? [];
  return names.length === 0 ? undefined : clip(names.join(", "), 256);
}

/** The field that somebody changes again and again. */
export function contended({ memory }: Situation): Contention | undefined {
  return memory.contention?.find(({ count }) => count >= CONTENDED_AT);
}

/** Whether somebody wants idle pods: they were taken away once, and came back. */
export function wantsIdlePods(s: Situation): Contention | undefined {
  const entry = s.memory.contention?.find(({ field }) => field === "Replicas");
  return managersOf(s, "Replicas") === undefined ? undefined : entry;
}

/** The entry of a field that somebody changes again and again, while it is not yet time to put it back once more. */
export function stoodAsideFor(s: Situation, field: ContendedField): Contention | undefined {
  const entry = s.memory.contention?.find((one) => one.field === field && one.count >= CONTENDED_AT);
  return entry !== undefined && retryInMs(s, entry) > 0 ? entry : undefined;
}

/** When to put a contended field back once more, in milliseconds from now; negative when it is time. */
export function retryInMs({ now }: Observation, { count, last }: Contention): number {
  const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, count - CONTENDED_AT));
  return wait - elapsedMs(now, last);
}

/** When a field counts as settled if nobody changes it any more, in milliseconds from now. */
export function calmInMs({ now }: Observation, { last }: Contention): number {
  return CALM_MS - elapsedMs(now, last);
}

/** `kubectl changes the weights of HTTPRoute web (3 times since …)`. */
export function contentionSentence(s: Observation, { field, manager, count, since }: Contention): string {
  return `${manager} keeps changing ${nameOf(s, field)} (put back ${count} times since ${since})`;
}

function nameOf({ canary, routeName }: Observation, field: ContendedField): string {
  const { kind, name } = canary.spec.targetRef;
  switch (field) {
    case "Weight":
      return `the weights of ${routeName ?? "the route"}`;
    case "Replicas":
      return `spec.replicas of ${kind} ${name}`;
    case "Freeze":
      return `the freeze of ${kind} ${name}`;
    case "ApexSelector":
      return `spec.selector of Service ${name}`;
    case "PrimaryImages":
      return `the images of ${kind} ${name}-primary`;
  }
}

/** A decision that puts something back is counted, and told when it is one too many. */
export function countReassertion(s: Situation, decision: Decision): Decision {
  const { reasserts } = decision;
  const manager = reasserts === undefined ? undefined : managersOf(s, reasserts);
  if (reasserts === undefined || manager === undefined) return decision;
  const now = timestamp(s.now);
  const before = decision.memory.contention?.find(({ field }) => field === reasserts);
  const entry = { field: reasserts, manager, count: (before?.count ?? 0) + 1, since: before?.since ?? now, last: now };
  const others = (decision.memory.contention ?? []).filter(({ field }) => field !== reasserts);
  const message = `${contentionSentence(s, entry)}; ${WAYS_OUT[reasserts]}`;
  return {
    ...decision,
    memory: { ...decision.memory, contention: [...others, entry] },
    ...(entry.count < CONTENDED_AT ? {} : { warning: decision.warning ?? { reason: "Contended", message } }),
  };
}

/** What to do about it. */
export const WAYS_OUT: Readonly<Record<ContendedField, string>> = {
  Weight:
    "install deploy/gitops, which keeps the weights of a route that is applied again, or let that tool ignore them",
  Replicas: "leave spec.replicas out of the manifest, or let that tool ignore it",
  Freeze: "let that tool apply changes rather than replace the whole object",
  PrimaryImages: "let that tool apply the target alone: the primary is Aviary's",
  ApexSelector: "let that tool ignore the selector of this Service",
};

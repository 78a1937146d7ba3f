import type { Canary } from "../api/canary.ts";
import type { TakenEvidence } from "../decide/taken.ts";
import { messageOf } from "../lib/errors.ts";
import type { Clock } from "../lib/time.ts";
import { createBackground } from "./background.ts";
import type { Asked, BackgroundOptions } from "./background.ts";
import type { Probe } from "./probe.ts";
import { fillIn, shareQuestion } from "./query.ts";
import type { AskProvider, LookBack } from "./readings.ts";

export interface EvidenceOptions extends BackgroundOptions {
  readonly clock: Clock;
  readonly ask: AskProvider;
  readonly lookBackMs: LookBack;
  readonly probe: Probe;
}

/**
 * Looks in the background for evidence that a weight is in effect. As with readings, a reconcile never waits for it.
 * Nothing is asked at weight 0: a rollback needs no evidence.
 */
export interface EvidenceTaker {
  /** The last answer for the weight that is waited for; asks again when that is due. */
  collect(key: string, canary: Canary, settleMs: number): TakenEvidence | undefined;
  forget(key: string): void;
}

/** Pauses between two questions, in milliseconds. Metrics are scraped every few seconds at best. */
export const SHARE_PERIOD_MS = 5_000;
export const PROBE_PERIOD_MS = 2_000;

export function createEvidenceTaker(options: EvidenceOptions): EvidenceTaker {
  const { clock, lookBackMs } = options;
  const background = createBackground<TakenEvidence>(options);
  return {
    collect(key, canary, settleMs) {
      const context = contextOf(canary);
      if (context === undefined) {
        background.forget(key);
        return undefined;
      }
      const entry = background.entry(key, context);
      const now = clock.now();
      if (!entry.asking && isDue(canary, entry, { now, settleMs, lookBackMs })) {
        entry.askedMs = now;
        const none = (error: unknown): TakenEvidence => ({ kind: "none", message: messageOf(error) });
        background.ask(key, entry, answerOf(options, canary).catch(none));
      }
      return entry.answer;
    },
    forget: background.forget,
  };
}

/** The weight that waits for evidence; undefined when none does. */
function contextOf({ spec, status, metadata }: Canary): string | undefined {
  const rollout = status?.rollout;
  if (spec.traffic.evidence === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  if (rollout === undefined || rollout.weight === 0 || rollout.withdrawal !== undefined) return undefined;
  if (rollout.weightSince === undefined || rollout.effectiveSince !== undefined) return undefined;
  return `${rollout.revision} ${rollout.step} ${rollout.weightSince}`;
}

/**
 * A probe tells nothing before the data plane had time to follow. A share is asked for when its whole range lies after
 * the change of the weight, or it would measure the one before.
 */
function isDue(
  canary: Canary,
  { askedMs }: Asked<TakenEvidence>,
  { now, settleMs, lookBackMs }: { readonly now: number; readonly settleMs: number; readonly lookBackMs: LookBack },
): boolean {
  const { share } = canary.spec.traffic.evidence ?? {};
  const since = Date.parse(canary.status?.rollout?.weightSince ?? "");
  if (askedMs === undefined)
    return now - since >= (share === undefined ? settleMs : lookBackMs(canary, shareQuestion(share)));
  return now - askedMs >= (share === undefined ? PROBE_PERIOD_MS : SHARE_PERIOD_MS);
}

async function answerOf({ ask, probe, signal }: EvidenceOptions, canary: Canary): Promise<TakenEvidence> {
  const { evidence } = canary.spec.traffic;
  if (evidence?.probe !== undefined) return { kind: "probe", ...(await probe(evidence.probe, signal)) };
  if (evidence?.share === undefined) return { kind: "none", message: "nothing says what to look for" };
  const filled = fillIn(canary, evidence.share.query);
  if (!filled.ok) return { kind: "none", message: filled.message };
  const question = shareQuestion(evidence.share);
  const reading = await ask({ canary, question, query: filled.query }, signal);
  switch (reading.kind) {
    case "value":
      return { kind: "share", percent: reading.value };
    case "empty":
      return { kind: "none", message: "the query for the canary's share has no data" };
    case "unreachable":
      return { kind: "none", message: `no answer to the query for the canary's share: ${reading.message}` };
    case "badQuery":
      return { kind: "none", message: `the query for the canary's share was refused: ${reading.message}` };
  }
}

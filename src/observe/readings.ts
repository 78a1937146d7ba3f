import type { Canary, SaturationCheck, ThresholdCheck } from "../api/canary.ts";
import { isSilent } from "../api/checks/index.ts";
import { thresholdQuestion } from "../api/checks/threshold.ts";
import type { Question } from "../api/query.ts";
import type { CheckStatus } from "../api/status.ts";
import { onGrid, saturationDueAt } from "../decide/due.ts";
import { isAsked, stepsOf } from "../decide/strategy.ts";
import type { Taken, TakenReading } from "../decide/taken.ts";
import { messageOf } from "../lib/errors.ts";
import { parseDuration } from "../lib/time.ts";
import type { Clock } from "../lib/time.ts";
import type { Reading } from "../metrics/provider.ts";
import { fillIn } from "./query.ts";
import { saysSomething, takeSaturation } from "./saturation.ts";
import { createSharedAsking } from "./series.ts";
import type { AskSeries } from "./series.ts";

/** Asks a metrics back-end; finds it, with its credentials, by the question's `providerRef`. Never rejects but by abort. */
export type AskProvider = (
  asked: {
    readonly canary: Canary;
    readonly question: Question;
    /** As it is asked, with the names filled in. */
    readonly query: string;
  },
  signal: AbortSignal,
) => Promise<Reading>;

/** How far back the answer to a question looks, in milliseconds. */
export type LookBack = (canary: Canary, question: Question) => number;

export interface ReadingsOptions {
  readonly clock: Clock;
  readonly ask: AskProvider;
  readonly askSeries: AskSeries;
  readonly lookBackMs: LookBack;
  /** Called when an answer is in: the canary is to be looked at. */
  readonly onAnswer: (canaryKey: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Takes the readings of all canaries. A question is asked when it is due and answered later: a reconcile never waits
 * for a back-end, so a slow Prometheus delays nobody's rollback.
 */
export interface Readings {
  /** Answers that the status does not hold yet; asks what is due. */
  collect(key: string, canary: Canary): Readonly<Record<string, Taken>>;
  /** Forgets a canary that is gone. */
  forget(key: string): void;
}

/** Checks that are asked every interval. */
type ReadCheck = ThresholdCheck | SaturationCheck;

interface Entry {
  asking: boolean;
  /** Which rollout and weight the answer belongs to; an answer to another question is dropped. */
  context: string;
  answer: Taken | undefined;
  /** Nobody is told, and nobody is asked again for long, when the answer says nothing. */
  silent?: boolean;
}

/** How long nobody is asked again about metrics that are not there and that nobody has asked for. */
const QUIET_MS = 600_000;

export function createReadings({ clock, ask, askSeries, lookBackMs, onAnswer, signal }: ReadingsOptions): Readings {
  const entries = new Map<string, Map<string, Entry>>();
  const quietUntil = new Map<string, number>();
  const shared = createSharedAsking(clock, askSeries);

  const wait = (key: string, entry: Entry, answer: Promise<Taken>): void => {
    entry.asking = true;
    const { context } = entry;
    void answer.then((taken) => {
      entry.asking = false;
      if (signal.aborted) return;
      if (entry.silent === true && "found" in taken && !saysSomething(taken)) {
        quietUntil.set(key, clock.now() + QUIET_MS);
        return;
      }
      if (entry.context === context) entry.answer = taken;
      onAnswer(key);
    });
  };

  const start = (key: string, canary: Canary, check: ReadCheck, entry: Entry): void => {
    const at = clock.now();
    if ("saturation" in check) {
      const asked = onGrid(canary, at, Math.floor);
      wait(key, entry, takeSaturation({ canary, check, at: asked, ask: shared, signal }));
      return;
    }
    const question = thresholdQuestion(check);
    const filled = fillIn(canary, question.query);
    if (!filled.ok) {
      entry.answer = { query: question.query, at, reading: { kind: "badQuery", message: filled.message } };
      return;
    }
    const { query } = filled;
    const answer = ask({ canary, question, query }, signal)
      .catch((error: unknown): Reading => ({ kind: "unreachable", message: messageOf(error) }))
      .then((reading): TakenReading => ({ query, at, reading }));
    wait(key, entry, answer);
  };

  return {
    collect(key, canary) {
      const context = contextOf(canary);
      if (context === undefined) {
        entries.delete(key);
        return {};
      }
      const held = entries.get(key) ?? new Map<string, Entry>();
      entries.set(key, held);
      const taken: Record<string, Taken> = {};
      for (const check of askedOf(canary)) {
        const entry: Entry = held.get(check.name) ?? { asking: false, context, answer: undefined };
        held.set(check.name, entry);
        if (entry.context !== context) Object.assign(entry, { context, answer: undefined });
        const known = canary.status?.checks?.find(({ name }) => name === check.name);
        entry.silent = isSilent(check, known?.readings ?? 0);
        if (entry.silent && clock.now() < (quietUntil.get(key) ?? 0)) continue;
        if (entry.answer !== undefined && !isNews(entry.answer, known)) entry.answer = undefined;
        if (
          entry.answer === undefined &&
          !entry.asking &&
          isDue(canary, check, known, { now: clock.now(), lookBackMs })
        ) {
          start(key, canary, check, entry);
        }
        if (entry.answer !== undefined) taken[check.name] = entry.answer;
      }
      return taken;
    },
    forget: (key) => {
      entries.delete(key);
      quietUntil.delete(key);
    },
  };
}

/** What the readings are about; undefined while nothing is to be measured. */
function contextOf(canary: Canary): string | undefined {
  const rollout = canary.status?.rollout;
  if (rollout === undefined || rollout.withdrawal !== undefined || askedOf(canary).length === 0) return undefined;
  if (rollout.effectiveSince === undefined || canary.metadata.deletionTimestamp !== undefined) return undefined;
  return `${rollout.revision} ${rollout.startedAt} ${rollout.effectiveSince}`;
}

function askedOf({ spec, status }: Canary): readonly ReadCheck[] {
  const rollout = status?.rollout;
  if (rollout === undefined) return [];
  const steps = stepsOf(spec.strategy);
  return spec.analysis.checks
    .filter((check) => "threshold" in check || "saturation" in check)
    .filter((check) => isAsked(steps, rollout, check));
}

function isNews(answer: Taken, known: CheckStatus | undefined): boolean {
  return known?.lastReading === undefined || Date.parse(known.lastReading) < answer.at;
}

/**
 * The first reading at a weight comes one interval after the weight is in effect, so that it measures that weight. The
 * first one of a rollout also waits until the query's window holds nothing from before: back-ends know a canary by its
 * Service, so a fix would be judged by the errors of the version that it mends.
 */
function isDue(
  canary: Canary,
  check: ReadCheck,
  known: CheckStatus | undefined,
  { now, lookBackMs }: { readonly now: number; readonly lookBackMs: LookBack },
): boolean {
  if ("saturation" in check) return now >= saturationDueAt(canary, check, known?.lastReading);
  const interval = parseDuration(canary.spec.analysis.interval);
  const rollout = canary.status?.rollout;
  const effective = Date.parse(rollout?.effectiveSince ?? "");
  const last = known?.lastReading === undefined ? effective : Math.max(effective, Date.parse(known.lastReading));
  if (now - last < interval) return false;
  const first = Date.parse(rollout?.firstWeightAt ?? rollout?.effectiveSince ?? "");
  return now - first >= lookBackMs(canary, thresholdQuestion(check));
}

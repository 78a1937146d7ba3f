import { judge, LEAN, startJudging } from "../../analysis/judge.ts";
import { defaultSettings } from "../../analysis/settings.ts";
import type {
  ArmInterval,
  CheckJudgement,
  Count,
  Histogram,
  History,
  Interval,
  Judgement,
  JudgeState,
} from "../../analysis/types.ts";
import type { Canary, JudgedCheck } from "../../api/canary.ts";
import type { CheckEvidence, CheckStatus, Judging, RolloutMemory, Verdict } from "../../api/status.ts";
import { clip } from "../../lib/text.ts";
import { formatDuration } from "../../lib/time.ts";
import { signalsOf, streamKey } from "../tile.ts";
import type { Signalled, TakenStream, TakenTile } from "../taken.ts";
import { settingsFor } from "./judgeSettings.ts";
import { addRequests } from "./shareOfRequests.ts";

/** What is remembered of the judge between two looks; it lives in the status. */
interface Sums {
  /** Another version of Aviary may have written other sums: then judging begins anew. */
  readonly version: typeof SUMS_VERSION;
  readonly state: JudgeState;
  readonly history: Readonly<Record<string, History>>;
}

const SUMS_VERSION = 1;

/** A tile in the light of what came before. */
export interface JudgedTile {
  readonly judging: Judging;
  /** What the tile makes of one check. */
  readonly status: (check: JudgedCheck, before: CheckStatus) => CheckStatus;
}

interface Look {
  readonly canary: Canary;
  readonly rollout: RolloutMemory;
  readonly tile: TakenTile;
  /** The last of all steps: before promotion, everybody has to say yes. */
  readonly lastStep: boolean;
  /** The weight says who gets how many requests. */
  readonly splits: boolean;
}

/**
 * Judges one more tile. One that lacks an answer is not counted: the next one will be as much longer, so that nothing is
 * lost and both versions are always counted in the same time.
 */
export function judgeTile(look: Look): JudgedTile {
  const { rollout, tile } = look;
  const known = rollout.judging;
  const asked = new Date(tile.askedAt).toISOString();
  const unanswered = Object.values(tile.streams).some(({ kind }) => kind === "unreachable" || kind === "badQuery");
  if (unanswered) {
    const judging = { ...(known ?? { mayAdvance: false, sums: {} }), asked, mayAdvance: false };
    return { judging, status: (check, before) => withAnswers(check, before, tile, undefined) };
  }
  const sums = sumsOf(rollout, tile);
  const settings = settingsFor(look.canary, tile.sources, sums.history);
  const interval = intervalOf(tile);
  const { state, judgement } = judge(sums.state, interval, { settings, lastStep: look.lastStep });
  const requests = addRequests(rollout, tile, look.splits);
  const judging: Judging = {
    asked,
    ...(requests === undefined ? {} : { requests }),
    until: new Date(tile.to).toISOString(),
    mayAdvance: mayAdvance(judgement) && interval.canary.requests > 0,
    sources: [...tile.sources],
    sums: { ...sums, state } satisfies Sums,
  };
  return { judging, status: (check, before) => withAnswers(check, before, tile, judgement) };
}

/** Nothing speaks against the next step. Whether the canary was seen is told by each check. */
function mayAdvance({ failed, logEvidence, logNeeded, lean }: Judgement): boolean {
  return failed === undefined && logEvidence < logNeeded && lean < LEAN;
}

function sumsOf({ judging, firstWeightAt, startedAt }: RolloutMemory, tile: TakenTile): Sums {
  const held = judging?.sums as Partial<Sums> | undefined;
  if (held?.version === SUMS_VERSION && held.state !== undefined) {
    return { version: SUMS_VERSION, state: held.state, history: held.history ?? {} };
  }
  const since = Math.min(tile.from, Date.parse(firstWeightAt ?? startedAt));
  // Tests come with what they see first.
  const state = startJudging(since, { ...defaultSettings, comparisons: [] });
  return { version: SUMS_VERSION, state, history: tile.history ?? {} };
}

function intervalOf({ from, to, streams }: TakenTile): Interval {
  return { from, to, canary: armOf(streams, "canary"), primary: armOf(streams, "primary") };
}

function armOf(streams: TakenTile["streams"], arm: "canary" | "primary"): ArmInterval {
  const events: Record<string, Count> = {};
  const latencies: Record<string, Histogram> = {};
  for (const [key, stream] of Object.entries(streams)) {
    if (stream.kind === "counts") events[key] = stream[arm];
    if (stream.kind === "histograms") latencies[key] = stream[arm];
  }
  const totals = [...Object.values(events), ...Object.values(latencies)].map(({ total }) => total ?? 0);
  return { requests: Math.max(0, ...totals), events, latencies };
}

/** The worst of what a check looks at is what it says. */
const SEVERITY: readonly Verdict[] = ["Fail", "Error", "NoData", "Undecided", "Pass"];

interface Part {
  readonly signal: Signalled;
  readonly verdict: Verdict;
  readonly message: string;
  readonly cause?: CheckStatus["cause"];
  readonly evidence?: CheckEvidence;
}

function withAnswers(
  check: JudgedCheck,
  before: CheckStatus,
  tile: TakenTile,
  judgement: Judgement | undefined,
): CheckStatus {
  const source = tile.sources.find((each) => each.check === check.name);
  const parts = signalsOf(check, source?.latency ?? false).map((signal) => {
    const key = streamKey(check.name, signal);
    const judged = judgement?.checks.find(({ name }) => name === key);
    // Without an answer to anything of a tile, all of it is left out.
    const stream = tile.streams[key] ?? tile.streams[check.name];
    return partOf(signal, stream, judged);
  });
  const told = parts.filter((part) => part !== undefined);
  const queries = tile.queries[check.name] ?? [];
  const { cause: _cause, ...rest } = before;
  const asked: CheckStatus = {
    ...rest,
    ...(source === undefined ? {} : { dataPlane: source.dataPlane }),
    ...(queries.length === 0 ? {} : { queries: [...queries] }),
  };
  if (told.length === 0) return asked;
  const worst = SEVERITY.find((severity) => told.some(({ verdict }) => verdict === severity)) ?? "Undecided";
  const cause = told.find((part) => part.cause !== undefined)?.cause;
  const evidence = told.flatMap((part) => part.evidence ?? []);
  return heeding(check, before, {
    ...asked,
    verdict: worst,
    message: clip(sentenceOf(told, worst)),
    ...(cause === undefined ? {} : { cause }),
    ...(evidence.length === 0 ? {} : { evidence }),
    ...(judgement === undefined ? {} : { readings: before.readings + 1, lastReading: new Date(tile.to).toISOString() }),
  });
}

/** What failed stays failed until the rollout ends; silence is a failure where the user says so. */
function heeding(check: JudgedCheck, before: CheckStatus, status: CheckStatus): CheckStatus {
  if (before.verdict === "Fail") return { ...status, verdict: "Fail", message: before.message };
  if (status.verdict !== "NoData" || check.onNoData !== "Fail") return status;
  return { ...status, verdict: "Fail", message: clip(`${status.message}; onNoData is Fail`) };
}

function partOf(
  signal: Signalled,
  stream: TakenStream | undefined,
  judged: CheckJudgement | undefined,
): Part | undefined {
  switch (stream?.kind) {
    case "unreachable":
      return { signal, verdict: "Error", cause: "Unreachable", message: `no answer: ${stream.message}` };
    case "badQuery":
      return { signal, verdict: "Error", cause: "BadQuery", message: `the query was refused: ${stream.message}` };
    case "unsupported":
      return { signal, verdict: "NoData", message: stream.message };
    case "counts":
    case "histograms":
    case undefined:
      return judged === undefined
        ? undefined
        : { signal, verdict: judged.verdict, message: judged.message, evidence: evidenceOf(signal, judged) };
  }
}

function sentenceOf(parts: readonly Part[], worst: Verdict): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only.message;
  const spoken = parts.filter(({ verdict }) => verdict === worst);
  const same = new Set(spoken.map(({ message }) => message)).size === 1;
  if (same) return spoken[0]?.message ?? "";
  return spoken.map(({ signal, message }) => `${signal}: ${message}`).join(". ");
}

/** From here on nobody wants the digits. */
const HIGHEST_EVIDENCE = 1e9;

function evidenceOf(signal: Signalled, judged: CheckJudgement): CheckEvidence {
  const { verdict, canary, primary, ratio, edge, dispersion, detectable } = judged;
  return {
    signal,
    verdict,
    canary,
    ...(primary === undefined ? {} : { primary }),
    ...(ratio === undefined ? {} : { ratio: short(ratio) }),
    ...(edge === undefined ? {} : { slowerThanMs: edge }),
    evidence: short(Math.min(HIGHEST_EVIDENCE, Math.exp(judged.logEvidence))),
    needed: short(Math.min(HIGHEST_EVIDENCE, Math.exp(judged.logNeeded))),
    dispersion: short(dispersion),
    ...(detectable === undefined
      ? {}
      : {
          detectable: {
            ...(detectable.now === undefined ? {} : { now: detectable.now }),
            ...(detectable.next === undefined
              ? {}
              : { next: detectable.next.ratio, after: formatDuration(detectable.next.ms) }),
          },
        }),
  };
}

/** Three digits that matter. */
function short(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : 0;
}

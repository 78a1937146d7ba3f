import type { JudgedCheck } from "../api/canary.ts";
import type { Count, History } from "../analysis/types.ts";
import { signalsOf, streamKey } from "../decide/tile.ts";
import type { Signalled, TakenStream } from "../decide/taken.ts";
import { clip } from "../lib/text.ts";
import { parseDuration } from "../lib/time.ts";
import { anyOf, differenceQuery, selector } from "../metrics/counterQuery.ts";
import { dataPlaneNamed } from "../metrics/dataPlanes/index.ts";
import type { RequestMetrics } from "../metrics/dataPlanes/dataPlane.ts";
import type { Series, SeriesAnswer } from "../metrics/provider.ts";
import { countsOf, histogramsByArm, nativeByArm, sumByArm, totalOf } from "./arms.ts";
import type { Arms } from "./arms.ts";
import { historyOf, pastQuery } from "./history.ts";
import { dataPlaneQuestion, filledCounters, hasCounters, isHistogramsCount, planeQueries } from "./judgedQuestions.ts";
import { findSource } from "./sources.ts";
import type { TakenCheck, TileAsking } from "./tiles.ts";

/** What both versions did in a tile, as far as one check is concerned. */
export async function takeStreams(asking: TileAsking, check: JudgedCheck): Promise<TakenCheck> {
  return hasCounters(check) ? byCounters(asking, check) : byDataPlane(asking, check);
}

async function byDataPlane(asking: TileAsking, check: JudgedCheck): Promise<TakenCheck> {
  const source = await findSource(asking, check);
  if ("kind" in source) return everywhere(check, source);
  const metrics = dataPlaneNamed(source.dataPlane).metrics(asking.subject);
  const signals = signalsOf(check, source.latency);
  const native = source.native === true;
  const queries = planeQueries(metrics, { seconds: seconds(asking), native });
  const arms = [metrics.canary, metrics.primary];
  const put = (what: string, query: (patterns: readonly string[]) => string) => {
    const question = dataPlaneQuestion(check, "");
    const like = `${source.dataPlane} ${metrics.scope} ${what} ${seconds(asking)}`;
    const { canary, next, signal } = asking;
    return asking.shared({ canary, question, like, patterns: arms, query, atMs: next.to }, signal);
  };
  const counting = signals.some((signal) => signal !== "Latency");
  const timing = signals.includes("Latency") ? queries.latency : [];
  const [total, bad, ...timed] = await Promise.all([
    counting ? put("total", queries.total) : undefined,
    counting ? put("bad", queries.bad) : undefined,
    ...timing.map(({ what, query }) => put(what, query)),
  ]);
  const past = await pastOfPlane(asking, check, { metrics, native });
  const streams = signals.map((signal): [string, TakenStream] => [
    streamKey(check.name, signal),
    signal === "Latency"
      ? histogramStream(timed, { metrics, native, slowerThanMs: slowerThanOf(check) })
      : countStream(total, bad, (series) => sumByArm(series, metrics)),
  ]);
  return {
    streams: Object.fromEntries(streams),
    queries: [
      ...(counting ? [shown("requests", queries.total(arms)), shown("failed requests", queries.bad(arms))] : []),
      ...timing.map(({ what, query }) => shown(what, query(arms))),
    ],
    source,
    ...historyFor(check, signals, past),
  };
}

/** Of the counters of a user's each version is asked by itself. */
async function byCounters(asking: TileAsking, check: JudgedCheck): Promise<TakenCheck> {
  const { canary: owner, next, signal } = asking;
  const [canary, primary] = (["canary", "primary"] as const).map((arm) => filledCounters(owner, check, arm));
  if (canary === undefined || primary === undefined || "message" in canary || "message" in primary) {
    const message = [canary, primary].flatMap((arm) => (arm !== undefined && "message" in arm ? [arm.message] : []));
    return everywhere(check, { kind: "badQuery", message: message[0] ?? "" });
  }
  const query = (counter: string, beside: string) =>
    differenceQuery({ counter, beside, by: [], seconds: seconds(asking) });
  const ask = (text: string) =>
    asking.ask({ canary: owner, question: dataPlaneQuestion(check, text), query: text, atMs: next.to }, signal);
  const texts = [
    query(canary.total, primary.total),
    query(canary.bad, primary.total),
    query(primary.total, primary.total),
    query(primary.bad, primary.total),
  ];
  const [canaryTotal, canaryBad, primaryTotal, primaryBad] = await Promise.all(texts.map(ask));
  const past = await pastOf(asking, check, primary);
  const signals = signalsOf(check, false);
  const stream = countsOfFour({ canaryTotal, canaryBad, primaryTotal, primaryBad });
  const names = ["canary: all", "canary: bad", "primary: all", "primary: bad"];
  return {
    streams: Object.fromEntries(signals.map((each) => [streamKey(check.name, each), stream])),
    queries: texts.map((text, index) => shown(names[index] ?? "", text)),
    ...historyFor(check, signals, past),
  };
}

function seconds({ next }: TileAsking): number {
  return Math.round((next.to - next.from) / 1_000);
}

function shown(what: string, query: string) {
  return { what, query: clip(query, 4_096) };
}

/** The same for all that a check looks at. */
function everywhere(check: JudgedCheck, stream: TakenStream): TakenCheck {
  const signals = signalsOf(check, false);
  return { streams: Object.fromEntries(signals.map((each) => [streamKey(check.name, each), stream])), queries: [] };
}

function countStream(
  total: SeriesAnswer | undefined,
  bad: SeriesAnswer | undefined,
  sum: (series: readonly Series[]) => Arms<number>,
): TakenStream {
  const wrong = firstWrong(total, bad);
  if (wrong !== undefined) return wrong;
  return { kind: "counts", ...countsOf(sum(seriesIn(total)), sum(seriesIn(bad))) };
}

interface Timing {
  readonly metrics: RequestMetrics;
  readonly native: boolean;
  readonly slowerThanMs: number | undefined;
}

function histogramStream(
  answers: readonly (SeriesAnswer | undefined)[],
  { metrics, native, slowerThanMs }: Timing,
): TakenStream {
  const wrong = firstWrong(...answers);
  if (wrong !== undefined) return wrong;
  const [end = [], start = []] = answers.map(seriesIn);
  const arms = native ? nativeByArm({ end, start }, metrics, slowerThanMs) : histogramsByArm(end, metrics);
  return { kind: "histograms", ...arms };
}

function slowerThanOf(check: JudgedCheck): number | undefined {
  const { slowerThan } = "comparison" in check ? check.comparison : {};
  return slowerThan === undefined ? undefined : parseDuration(slowerThan);
}

function countsOfFour(answers: Readonly<Record<string, SeriesAnswer | undefined>>): TakenStream {
  const wrong = firstWrong(...Object.values(answers));
  if (wrong !== undefined) return wrong;
  const sum = (name: string) => totalOf(seriesIn(answers[name]));
  const count = (arm: string): Count => {
    const total = sum(`${arm}Total`);
    return { total, bad: Math.min(total, sum(`${arm}Bad`)) };
  };
  return { kind: "counts", canary: count("canary"), primary: count("primary") };
}

function firstWrong(...answers: readonly (SeriesAnswer | undefined)[]) {
  for (const answer of answers) if (answer !== undefined && answer.kind !== "series") return answer;
  return undefined;
}

export function seriesIn(answer: SeriesAnswer | undefined): readonly Series[] {
  return answer?.kind === "series" ? answer.series : [];
}

function pastOfPlane(
  asking: TileAsking,
  check: JudgedCheck,
  { metrics, native }: Pick<Timing, "metrics" | "native">,
): Promise<History | undefined> {
  const { label, scope, requests, failed, primary, latency } = metrics;
  const of = (matcher: string) => {
    const at = (metric: string) => selector(metric, scope, matcher, anyOf(label, [primary]));
    return native && isHistogramsCount(metrics) ? `histogram_count(${at(latency?.metric ?? "")})` : at(requests);
  };
  return pastOf(asking, check, { total: of(""), bad: of(failed) });
}

/** The primary in the hours before the rollout; asked once. */
async function pastOf(
  { canary, next, ask, signal }: TileAsking,
  check: JudgedCheck,
  counters: { readonly total: string; readonly bad: string },
): Promise<History | undefined> {
  const { rollout } = canary.status ?? {};
  if (rollout?.judging?.until !== undefined) return undefined;
  const atMs = Math.min(next.from, Date.parse(rollout?.firstWeightAt ?? "") || next.from);
  const question = dataPlaneQuestion(check, "");
  const put = (counter: string) => ask({ canary, question, query: pastQuery(counter), atMs }, signal);
  const [total, bad] = await Promise.all([put(counters.total), put(counters.bad)]);
  return historyOf(seriesIn(total), seriesIn(bad));
}

/** A past without latencies says nothing about them: those are learnt as the rollout goes. */
function historyFor(check: JudgedCheck, signals: readonly Signalled[], past: History | undefined) {
  if (past === undefined) return {};
  const counted = signals.filter((signal) => signal !== "Latency");
  return { history: Object.fromEntries(counted.map((signal) => [streamKey(check.name, signal), past])) };
}

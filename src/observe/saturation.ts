import type { Canary, SaturationCheck } from "../api/canary.ts";
import { saturationQuestion } from "../api/checks/saturation.ts";
import type { Question } from "../api/query.ts";
import type { Percents, TakenSaturation } from "../decide/taken.ts";
import { messageOf } from "../lib/errors.ts";
import { namesOf } from "../lib/names.ts";
import { parseDuration } from "../lib/time.ts";
import { podsOf } from "../metrics/dataPlanes/dataPlane.ts";
import type { Pattern } from "../metrics/dataPlanes/dataPlane.ts";
import type { Refusal, SeriesAnswer } from "../metrics/provider.ts";
import { POD, saturationQueries } from "../metrics/saturation.ts";
import type { SaturationQueries } from "../metrics/saturation.ts";
import { matching } from "./arms.ts";
import type { AskSeries } from "./series.ts";

export interface SaturationAsking {
  readonly canary: Canary;
  readonly check: SaturationCheck;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly ask: AskSeries;
  readonly signal: AbortSignal;
}

/** A rate needs some scrapes, and kubelets are scraped every half minute. */
const LEAST_SECONDS = 120;

function queriesFor(canary: Canary): SaturationQueries {
  const interval = parseDuration(canary.spec.analysis.interval) / 1_000;
  return saturationQueries({
    namespace: namesOf(canary).namespace,
    pods: Object.values(armsOf(canary)),
    seconds: Math.max(LEAST_SECONDS, Math.ceil(interval)),
  });
}

function armsOf(canary: Canary): { readonly canary: Pattern; readonly primary: Pattern } {
  const { target, primary } = namesOf(canary);
  const { kind } = canary.spec.targetRef;
  return { canary: podsOf(kind, target), primary: podsOf(kind, primary) };
}

/** The question that looks back the furthest, as it stands for all of them. */
export function questionOfSaturation(canary: Canary, check: SaturationCheck): Question {
  return saturationQuestion(check, queriesFor(canary).cpu);
}

/** How full the containers of both versions are. Never rejects but by abort. */
export async function takeSaturation({ canary, check, at, ask, signal }: SaturationAsking): Promise<TakenSaturation> {
  const { memory, cpu, throttled, containers } = queriesFor(canary);
  const queries = [
    { what: "memory", query: memory },
    { what: "CPU", query: cpu },
    { what: "throttled", query: throttled },
  ];
  const put = (query: string): Promise<SeriesAnswer> =>
    ask({ canary, question: saturationQuestion(check, query), query, atMs: at }, signal).catch(
      (error: unknown): Refusal => ({ kind: "unreachable", message: messageOf(error) }),
    );
  const answers = await Promise.all(queries.map(({ query }) => put(query)));
  const refusal = answers.find((answer) => answer.kind !== "series");
  if (refusal !== undefined) return { at, queries, found: refusal };
  const [ofMemory = {}, ofCPU = {}, ofThrottling = {}] = answers.map((answer) => percentsOf(canary, answer));
  const percents = { memory: ofMemory, cpu: ofCPU, throttled: ofThrottling };
  const known = Object.values(percents).some((each) => each.canary !== undefined);
  if (known) return { at, queries, found: { kind: "percents", known, percents } };
  // Without limits and without metrics look alike so far.
  const answer = await put(containers);
  const asked = [...queries, { what: "containers", query: containers }];
  if (answer.kind !== "series") return { at, queries: asked, found: answer };
  const any = percentsOf(canary, answer).canary !== undefined;
  return { at, queries: asked, found: { kind: "percents", known: any, percents } };
}

/** The fullest pod of each version. */
function percentsOf(canary: Canary, answer: SeriesAnswer): Percents {
  const all = answer.kind === "series" ? answer.series : [];
  const arms = armsOf(canary);
  const most = (pattern: Pattern) => {
    const values = all.filter(matching(POD, pattern)).map(({ points }) => points.at(-1)?.[1] ?? NaN);
    const known = values.filter(Number.isFinite);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const [ours, theirs] = [most(arms.canary), most(arms.primary)];
  return { ...(ours === undefined ? {} : { canary: ours }), ...(theirs === undefined ? {} : { primary: theirs }) };
}

import type { Canary, SaturationCheck } from "../api/canary.ts";
import { saturationQuestion } from "../api/checks/saturation.ts";
import { saturationTimes } from "../decide/due.ts";
import type { Percents, TakenSaturation } from "../decide/taken.ts";
import { messageOf } from "../lib/errors.ts";
import { namesOf } from "../lib/names.ts";
import { podsOf } from "../metrics/dataPlanes/dataPlane.ts";
import type { Pattern } from "../metrics/dataPlanes/dataPlane.ts";
import type { Refusal, Series, SeriesAnswer } from "../metrics/provider.ts";
import { NAMESPACE, POD, saturationQueries } from "../metrics/saturation.ts";
import type { SaturationQueries } from "../metrics/saturation.ts";
import { matching } from "./arms.ts";
import type { AskShared } from "./series.ts";

export interface SaturationAsking {
  readonly canary: Canary;
  readonly check: SaturationCheck;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly ask: AskShared;
  readonly signal: AbortSignal;
}

/** Pods as one text, by which those of many namespaces are asked about together. */
const SLASH = "/";

function placesOf(canary: Canary): readonly string[] {
  const { namespace } = namesOf(canary);
  return Object.values(armsOf(canary)).map((pods) => `${namespace}${SLASH}${pods}`);
}

/** Whoever has a pod of such a name in another of the namespaces is in the answer too, and left out when it is read. */
function queriesFor(places: readonly string[], seconds: number): SaturationQueries {
  const part = (index: 0 | 1) => [
    ...new Set(
      places.map((place) => {
        const slash = place.indexOf(SLASH);
        return index === 0 ? place.slice(0, slash) : place.slice(slash + 1);
      }),
    ),
  ];
  return saturationQueries({ namespaces: part(0), pods: part(1), seconds });
}

function armsOf(canary: Canary): { readonly canary: Pattern; readonly primary: Pattern } {
  const { target, primary } = namesOf(canary);
  const { kind } = canary.spec.targetRef;
  return { canary: podsOf(kind, target), primary: podsOf(kind, primary) };
}

const resources = [
  { name: "memory", what: "memory" },
  { name: "cpu", what: "CPU" },
  { name: "throttled", what: "throttled" },
] as const;

/** How full the containers of both versions are, asked for all canaries at a time. Never rejects but by abort. */
export async function takeSaturation({ canary, check, at, ask, signal }: SaturationAsking): Promise<TakenSaturation> {
  const seconds = Math.ceil(saturationTimes(canary, check).windowMs / 1_000);
  const patterns = placesOf(canary);
  const shown = queriesFor(patterns, seconds);
  const put = (what: keyof SaturationQueries): Promise<SeriesAnswer> => {
    const question = saturationQuestion(check, shown[what]);
    const query = (places: readonly string[]) => queriesFor(places, seconds)[what];
    const like = `saturation ${what} ${seconds}`;
    return ask({ canary, question, like, patterns, query, atMs: at }, signal).catch((error: unknown): Refusal => ({
      kind: "unreachable",
      message: messageOf(error),
    }));
  };
  const queries = resources.map(({ name, what }) => ({ what, query: shown[name] }));
  const answers = await Promise.all(resources.map(({ name }) => put(name)));
  const refusal = answers.find((answer) => answer.kind !== "series");
  if (refusal !== undefined) return { at, queries, found: refusal };
  const [memory = {}, cpu = {}, throttled = {}] = answers.map((answer) => percentsOf(canary, answer));
  const percents = { memory, cpu, throttled };
  const known = Object.values(percents).some((each) => each.canary !== undefined);
  // Nobody waits to be told what is missing.
  if (known || check.byDefault === true) return { at, queries, found: { kind: "percents", known, percents } };
  // Without limits and without metrics look alike so far.
  const answer = await put("containers");
  const asked = [...queries, { what: "containers", query: shown.containers }];
  if (answer.kind !== "series") return { at, queries: asked, found: answer };
  const any = percentsOf(canary, answer).canary !== undefined;
  return { at, queries: asked, found: { kind: "percents", known: any, percents } };
}

/** Whether an answer says how full any container of the canary is. */
export function saysSomething({ found }: TakenSaturation): boolean {
  return found.kind === "percents" && Object.values(found.percents).some((each) => each.canary !== undefined);
}

/** The fullest pod of each version. */
function percentsOf(canary: Canary, answer: SeriesAnswer): Percents {
  const { namespace } = namesOf(canary);
  const all = answer.kind === "series" ? answer.series : [];
  const ours: readonly Series[] = all.filter(({ labels }) => labels[NAMESPACE] === namespace);
  const arms = armsOf(canary);
  const most = (pattern: Pattern) => {
    const values = ours.filter(matching(POD, pattern)).map(({ points }) => points.at(-1)?.[1] ?? NaN);
    const known = values.filter(Number.isFinite);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const [first, second] = [most(arms.canary), most(arms.primary)];
  return { ...(first === undefined ? {} : { canary: first }), ...(second === undefined ? {} : { primary: second }) };
}

import type { JudgedCheck } from "../api/canary.ts";
import type { TakenStream } from "../decide/taken.ts";
import { anyOf, selector } from "../metrics/counterQuery.ts";
import { dataPlaneNamed, dataPlanesFor } from "../metrics/dataPlanes/index.ts";
import type { DataPlane, RequestMetrics } from "../metrics/dataPlanes/dataPlane.ts";
import type { Refusal } from "../metrics/provider.ts";
import { knownArms } from "./arms.ts";
import type { Arms } from "./arms.ts";
import { dataPlaneOf, dataPlaneQuestion, isHistogramsCount } from "./judgedQuestions.ts";
import type { Source } from "./judgedQuestions.ts";
import type { TileAsking } from "./tiles.ts";

/**
 * Whose metrics a check reads: what the rollout began with, else the first candidate that counts the primary. The likely
 * ones come first, by who runs the routes; a check may name one.
 */
export async function findSource(asking: TileAsking, check: JudgedCheck): Promise<Source | TakenStream> {
  const known = asking.canary.status?.rollout?.judging?.sources?.find((source) => source.check === check.name);
  if (known !== undefined) return known;
  const named = dataPlaneOf(check);
  const candidates = named === undefined ? dataPlanesFor(asking.controllers) : [dataPlaneNamed(named)];
  for (const plane of candidates) {
    const metrics = plane.metrics(asking.subject);
    const found = await kindOf((metric) => presence(asking, check, { plane, metrics, metric }), metrics);
    if (found === undefined) continue;
    return "kind" in found ? found : { check: check.name, dataPlane: plane.name, ...found };
  }
  return { kind: "unsupported", message: notFound(asking, candidates) };
}

/** Which versions a metric is known of, or why that cannot be told. */
type Presence = (metric: string) => Promise<Arms<boolean> | Refusal>;

/**
 * Whether the metrics are there, and which kind of histogram holds the latencies: classic, unless native ones alone know
 * the versions, or more of them, since a release may bring the change from one to the other. A native histogram has
 * nothing but its plain name, which summaries have too.
 */
async function kindOf(
  presence: Presence,
  metrics: RequestMetrics,
): Promise<Pick<Source, "latency" | "native"> | Refusal | undefined> {
  const counted = await presence(metrics.requests);
  if ("kind" in counted) return counted;
  const needed = counted.primary || isHistogramsCount(metrics);
  if (!needed) return undefined;
  if (metrics.latency === undefined) return { latency: false };
  const classic = counted.primary ? await presence(`${metrics.latency.metric}_bucket`) : counted;
  if ("kind" in classic) return classic;
  if (classic.primary && classic.canary) return { latency: true };
  const native = await presence(metrics.latency.metric);
  if ("kind" in native) return native;
  if (native.primary && (native.canary || !classic.primary)) return { latency: true, native: true };
  return counted.primary ? { latency: classic.primary } : undefined;
}

interface Looked {
  readonly plane: DataPlane;
  readonly metrics: RequestMetrics;
  readonly metric: string;
}

/** Asked for all canaries whose rollouts begin together. */
async function presence(
  { canary, next, shared, signal }: TileAsking,
  check: JudgedCheck,
  { plane, metrics, metric }: Looked,
): Promise<Arms<boolean> | Refusal> {
  const { label, scope, canary: one, primary: other } = metrics;
  const query = (patterns: readonly string[]) =>
    `count by (${label}) (${selector(metric, scope, 'quantile=""', anyOf(label, patterns))})`;
  const question = dataPlaneQuestion(check, "");
  const like = `${plane.name} ${scope} presence ${metric}`;
  const answer = await shared({ canary, question, like, patterns: [one, other], query, atMs: next.to }, signal);
  return answer.kind === "series" ? knownArms(answer.series, metrics) : answer;
}

function notFound({ subject, controllers }: TileAsking, candidates: readonly DataPlane[]): string {
  const looked = candidates.map((plane) => `${plane.name} (${plane.metrics(subject).requests})`).join(", ");
  const [likeliest] = candidates;
  const who = controllers.length === 0 ? "" : `; the routes belong to ${controllers.join(", ")}`;
  return `no metrics tell the versions apart: looked for ${looked}${who}. ${likeliest === undefined ? "" : `To do: ${likeliest.hint}; or name counters`}`;
}

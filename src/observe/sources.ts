import type { JudgedCheck } from "../api/canary.ts";
import type { TakenStream } from "../decide/taken.ts";
import { anyOf, selector } from "../metrics/counterQuery.ts";
import { dataPlaneNamed, dataPlanesFor } from "../metrics/dataPlanes/index.ts";
import type { DataPlane, RequestMetrics } from "../metrics/dataPlanes/dataPlane.ts";
import type { SeriesAnswer } from "../metrics/provider.ts";
import { knowsPrimary } from "./arms.ts";
import { dataPlaneOf, dataPlaneQuestion } from "./judgedQuestions.ts";
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
    const answer = await presence(asking, check, metrics, metrics.requests);
    if (answer.kind !== "series") return answer;
    if (!knowsPrimary(answer.series, metrics)) continue;
    const timed = metrics.latency && (await presence(asking, check, metrics, `${metrics.latency.metric}_bucket`));
    if (timed !== undefined && timed.kind !== "series") return timed;
    return {
      check: check.name,
      dataPlane: plane.name,
      latency: timed !== undefined && knowsPrimary(timed.series, metrics),
    };
  }
  return { kind: "unsupported", message: notFound(asking, candidates) };
}

function presence(
  { canary, next, ask, signal }: TileAsking,
  check: JudgedCheck,
  metrics: RequestMetrics,
  metric: string,
): Promise<SeriesAnswer> {
  const { label, scope, canary: one, primary: other } = metrics;
  const query = `count by (${label}) (${selector(metric, scope, anyOf(label, [one, other]))})`;
  return ask({ canary, question: dataPlaneQuestion(check, query), query, atMs: next.to }, signal);
}

function notFound({ subject, controllers }: TileAsking, candidates: readonly DataPlane[]): string {
  const looked = candidates.map((plane) => `${plane.name} (${plane.metrics(subject).requests})`).join(", ");
  const [likeliest] = candidates;
  const who = controllers.length === 0 ? "" : `; the routes belong to ${controllers.join(", ")}`;
  return `no metrics tell the versions apart: looked for ${looked}${who}. ${likeliest === undefined ? "" : `To do: ${likeliest.hint}; or name counters`}`;
}

import type { Canary } from "../api/canary.ts";
import type { MetricProviderObject } from "../api/metricProvider.ts";
import type { Question } from "../api/query.ts";
import type { Problem } from "../decide/types.ts";
import { metricProviderFor } from "../metrics/index.ts";
import { isCounter } from "../metrics/promql.ts";
import type { FoundProvider } from "./providers.ts";
import { fillQuestion, questionsOf } from "./query.ts";

/** What is wrong with a query in the language of whom it is for. */
function faultOf({ spec }: MetricProviderObject, query: string): string | undefined {
  return metricProviderFor(spec.provider)?.checkQuery(spec.block, query);
}

/** The first question of a Canary that nobody can answer. */
export function queryProblem(
  canary: Canary,
  provider: (canary: Canary, question: Question) => FoundProvider,
): Problem | undefined {
  for (const question of questionsOf(canary)) {
    const found = provider(canary, question);
    if (!found.ok) {
      const hint =
        found.reason === "NoMetricProvider"
          ? "create it, or a ClusterMetricProvider named default, or start the controller with --prometheus-url"
          : "correct it";
      return { reason: found.reason, message: found.message, hint, blocksTraffic: false };
    }
    const kind = found.provider.spec.provider;
    if (question.series === true && metricProviderFor(kind)?.givesSeries !== true) {
      return {
        reason: "InvalidMetricProvider",
        message: `${question.what}: a provider of kind ${kind} cannot count both versions at the same instants`,
        hint: "name one of kind prometheus, or use a check of kind threshold",
        blocksTraffic: false,
      };
    }
    const wrong = wrongQuery(canary, question, found.provider);
    if (wrong === undefined) continue;
    return {
      reason: "InvalidQuery",
      message: `${question.what}: ${wrong}`,
      hint: `correct ${question.field}`,
      blocksTraffic: false,
    };
  }
  return undefined;
}

function wrongQuery(canary: Canary, question: Question, provider: MetricProviderObject): string | undefined {
  const filled = fillQuestion(canary, question);
  if (!filled.ok) return filled.message;
  const fault = faultOf(provider, filled.query);
  if (fault !== undefined) return fault;
  if (question.counter !== true || isCounter(filled.query)) return undefined;
  return "a counter with its labels is needed, and nothing around it: Aviary forms differences and sums itself";
}

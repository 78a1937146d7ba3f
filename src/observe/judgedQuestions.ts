import type { Canary, JudgedCheck } from "../api/canary.ts";
import type { DataPlaneName } from "../api/dataPlanes.ts";
import { providerOf, questionsOfCheck } from "../api/checks/index.ts";
import type { Question } from "../api/query.ts";
import type { Judging } from "../api/status.ts";
import { namesOf } from "../lib/names.ts";
import { anyOf, differenceQuery, nativeCountQuery, nativeQueries, selector } from "../metrics/counterQuery.ts";
import type { DifferenceQuery } from "../metrics/counterQuery.ts";
import { podsOf } from "../metrics/dataPlanes/dataPlane.ts";
import type { RequestMetrics } from "../metrics/dataPlanes/dataPlane.ts";
import { fillQuery } from "../metrics/variables.ts";

export type Source = NonNullable<Judging["sources"]>[number];
export type Arm = "canary" | "primary";

export function dataPlaneOf(check: JudgedCheck): DataPlaneName | undefined {
  return "slo" in check ? check.slo.dataPlane : check.comparison.dataPlane;
}

/** Whether the check counts by counters of the user's. */
export function hasCounters(check: JudgedCheck): boolean {
  return questionsOfCheck(check).length > 0;
}

/** The question for which a provider is looked up, when the query is a data plane's. */
export function dataPlaneQuestion(check: JudgedCheck, query: string): Question {
  return {
    what: `check ${check.name}`,
    field: `spec.analysis.checks[${check.name}]`,
    query,
    series: true,
    providerRef: providerOf(check),
  };
}

export interface PlaneQueries {
  readonly total: (patterns: readonly string[]) => string;
  readonly bad: (patterns: readonly string[]) => string;
  /** Latencies, by queries that are asked together; of native histograms the second is what is taken off the first. */
  readonly latency: readonly ShownQuery[];
}

export interface ShownQuery {
  readonly what: string;
  readonly query: (patterns: readonly string[]) => string;
}

interface PlaneCounting {
  /** Length of the interval. */
  readonly seconds: number;
  /** Whether the histograms are native ones. */
  readonly native: boolean;
}

/** Whether requests are counted by the histogram of their latencies, and by nothing else. */
export function isHistogramsCount({ requests, latency }: RequestMetrics): boolean {
  return latency !== undefined && requests === `${latency.metric}_count`;
}

/** Queries of a data plane for the versions that `patterns` name. */
export function planeQueries(metrics: RequestMetrics, { seconds, native }: PlaneCounting): PlaneQueries {
  const { label, scope, failed } = metrics;
  const histogram = metrics.latency?.metric ?? "";
  const byHistogram = native && isHistogramsCount(metrics);
  const requests = byHistogram ? histogram : metrics.requests;
  type Form = (difference: DifferenceQuery) => string;
  const query =
    (form: Form, metric: string, matcher: string, by: readonly string[]) => (patterns: readonly string[]) => {
      const of = (name: string, ...more: readonly string[]) => selector(name, scope, ...more, anyOf(label, patterns));
      return form({ counter: of(metric, matcher), beside: of(requests), by, seconds });
    };
  const counted = byHistogram ? nativeCountQuery : differenceQuery;
  const nativeAt = (moment: "end" | "start") =>
    query((difference) => nativeQueries(difference)[moment], histogram, "", [label]);
  return {
    total: query(counted, requests, "", [label]),
    bad: query(counted, requests, failed, [label]),
    latency: native
      ? [
          { what: "latency, until the end", query: nativeAt("end") },
          { what: "latency, before the start", query: nativeAt("start") },
        ]
      : [{ what: "latency", query: query(differenceQuery, `${histogram}_bucket`, "", [label, "le"]) }],
  };
}

/** The counters of the user's for one version, or the sentence that says what is wrong with them. */
export function filledCounters(
  canary: Canary,
  check: JudgedCheck,
  arm: Arm,
): { readonly total: string; readonly bad: string } | { readonly message: string } {
  const [total, bad] = questionsOfCheck(check).map(({ query }) => fillCounter(canary, query, arm));
  if (total === undefined || bad === undefined) return { message: "it has no counters" };
  if (!total.ok) return { message: total.message };
  return bad.ok ? { total: total.query, bad: bad.query } : { message: bad.message };
}

/** A counter with the names of one version filled in. */
export function fillCounter(canary: Canary, query: string, arm: Arm) {
  const { namespace, target, primary, canaryService } = namesOf(canary);
  const workload = arm === "canary" ? target : primary;
  return fillQuery(query, {
    namespace,
    service: arm === "canary" ? canaryService : primary,
    workload,
    pods: podsOf(canary.spec.targetRef.kind, workload).replaceAll("\\", "\\\\"),
  });
}

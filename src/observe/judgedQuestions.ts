import type { Canary, JudgedCheck } from "../api/canary.ts";
import type { DataPlaneName } from "../api/dataPlanes.ts";
import { questionsOfCheck } from "../api/checks/index.ts";
import type { ProviderRef, Question } from "../api/query.ts";
import type { Judging } from "../api/status.ts";
import { namesOf } from "../lib/names.ts";
import { anyOf, differenceQuery, selector } from "../metrics/counterQuery.ts";
import { podsOf } from "../metrics/dataPlanes/dataPlane.ts";
import type { RequestMetrics } from "../metrics/dataPlanes/dataPlane.ts";
import { fillQuery } from "../metrics/variables.ts";

export type Source = NonNullable<Judging["sources"]>[number];
export type Arm = "canary" | "primary";

export function providerOf(check: JudgedCheck): ProviderRef | undefined {
  return "slo" in check ? check.slo.providerRef : check.comparison.providerRef;
}

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
  readonly buckets: (patterns: readonly string[]) => string;
}

/** Queries of a data plane for the versions that `patterns` name, over the last `seconds`. */
export function planeQueries(metrics: RequestMetrics, seconds: number): PlaneQueries {
  const { label, scope, requests, failed, latency } = metrics;
  const of = (metric: string, matcher: string, patterns: readonly string[]) =>
    selector(metric, scope, matcher, anyOf(label, patterns));
  const query = (metric: string, matcher: string, by: readonly string[]) => (patterns: readonly string[]) =>
    differenceQuery({ counter: of(metric, matcher, patterns), beside: of(requests, "", patterns), by, seconds });
  return {
    total: query(requests, "", [label]),
    bad: query(requests, failed, [label]),
    buckets: query(`${latency?.metric ?? ""}_bucket`, "", [label, "le"]),
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

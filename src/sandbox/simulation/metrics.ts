import type { Canary } from "../../api/canary.ts";
import { isJudged } from "../../api/checks/index.ts";
import { podsOf } from "../../metrics/dataPlanes/dataPlane.ts";
import type { DataPlane, RequestMetrics, Subject } from "../../metrics/dataPlanes/dataPlane.ts";
import type { SeriesAnswer } from "../../metrics/provider.ts";
import { filledCounters, hasCounters } from "../../observe/judgedQuestions.ts";
import type { AskSeries } from "../../observe/series.ts";
import { createQueryEngine } from "../prometheus/eval/query.ts";
import { createTsdb } from "../prometheus/tsdb.ts";
import { EDGES_MS } from "./requests.ts";
import type { Answered, Arm, Requests } from "./requests.ts";

export interface SimulatedMetricsOptions {
  readonly now: () => number;
  readonly requests: Requests;
  /** Data planes that count the requests. */
  readonly planes: readonly DataPlane[];
  readonly subject: Subject;
}

/** A Prometheus that has scraped the simulated requests, as every one of these data planes counts them. */
export interface SimulatedMetrics {
  scrape(): void;
  readonly ask: AskSeries;
}

type Labels = Readonly<Record<string, string>>;
type Add = (labels: Labels, value: number) => void;

const ARMS = ["canary", "primary"] as const;
/** What stands for counters of the user's, whatever they are called. */
const OWN = { total: "simulated_requests_total", bad: "simulated_failures_total" } as const;
/** An hour before the release is looked at as well. */
const RETENTION_MS = 2 * 3_600_000;

export function createSimulatedMetrics(options: SimulatedMetricsOptions): SimulatedMetrics {
  const { now, requests, planes, subject } = options;
  const tsdb = createTsdb({ now, retentionMs: RETENTION_MS });
  const engine = createQueryEngine({ storage: tsdb });
  const metrics = planes.map((plane) => plane.metrics(subject));
  return {
    scrape() {
      for (const arm of ARMS) {
        const answered = requests.answered[arm];
        if (answered.requests === 0) continue;
        const add: Add = (labels, value) => tsdb.append(labels, now(), value);
        add({ __name__: OWN.total, arm }, answered.requests);
        add({ __name__: OWN.bad, arm }, answered.failed);
        for (const each of metrics) count(each, arm, answered, add);
        const pod = sampleOf(podsOf(subject.kind, subject.workload[arm]));
        measure({ namespace: subject.namespace, pod, container: "simulated" }, now() / 1_000, add);
      }
    },
    ask({ canary, query, atMs }) {
      const value = engine.instant(withOwnCounters(canary, query), atMs);
      if (value.type === "vector") {
        const series = value.samples.map(({ labels, value: at }) => ({ labels, points: [[atMs, at] as const] }));
        return Promise.resolve({ kind: "series", series });
      }
      if (value.type !== "matrix") return Promise.resolve(noSeries(value.type));
      const series = value.series.map(({ labels, points }) => ({
        labels,
        points: points.map((point) => [point.timeMs, point.value] as const),
      }));
      return Promise.resolve({ kind: "series", series });
    },
  };
}

function noSeries(type: string): SeriesAnswer {
  return { kind: "badQuery", message: `the query gives a ${type}, not series` };
}

/** The series of one version as a data plane names them. */
function count(
  { label, scope, requests, failed, latency, ...patterns }: RequestMetrics,
  arm: Arm,
  answered: Answered,
  add: Add,
): void {
  const labels = { [label]: sampleOf(patterns[arm]), ...labelsOf(scope) };
  const bad = labelsOf(failed);
  const good = Object.fromEntries(Object.keys(bad).map((name) => [name, /=~/.test(failed) ? "200" : "success"]));
  add({ __name__: requests, ...labels, ...good }, answered.requests - answered.failed);
  add({ __name__: requests, ...labels, ...bad }, answered.failed);
  if (latency === undefined) return;
  const bucket = { __name__: `${latency.metric}_bucket`, ...labels };
  EDGES_MS.forEach((edge, index) => {
    add({ ...bucket, le: String(edge / latency.unitMs) }, answered.within[index] ?? 0);
  });
  add({ ...bucket, le: "+Inf" }, answered.requests);
}

/** A container that uses less than half of its limits and is never throttled, as kubelets and kube-state-metrics say it. */
function measure(container: Labels, seconds: number, add: Add): void {
  add({ __name__: "container_memory_working_set_bytes", ...container }, 40e6);
  add({ __name__: "kube_pod_container_resource_limits", resource: "memory", ...container }, 100e6);
  add({ __name__: "container_cpu_usage_seconds_total", ...container }, 0.2 * seconds);
  add({ __name__: "kube_pod_container_resource_limits", resource: "cpu", ...container }, 1);
  add({ __name__: "container_cpu_cfs_periods_total", ...container }, 10 * seconds);
  add({ __name__: "container_cpu_cfs_throttled_periods_total", ...container }, 0);
}

/** Labels that matchers match: `a="x",b=~"5.."`. */
function labelsOf(matchers: string): Labels {
  const found = matchers.matchAll(/(\w+)=(~?)"([^"]*)"/g);
  return Object.fromEntries(
    [...found].map(([, name = "", tilde, value = ""]) => [name, tilde === "~" ? sampleOf(value) : value]),
  );
}

/** A text that a pattern matches, for the patterns by which data planes are asked. */
export function sampleOf(pattern: string): string {
  const [first = ""] = pattern
    .replaceAll("(?:.*-)?", "")
    .replace(/\(\?:([^|)]*)[^)]*\)/g, "$1")
    .split("|");
  return first
    .replace(/\[[^\]]*\](?:\+|\{(\d+)[^}]*\})/g, (_all, times: string | undefined) => "8".repeat(Number(times ?? 1)))
    .replace(/(?<!\\)\.\+/g, "x")
    .replace(/(?<!\\)\./g, "0")
    .replaceAll("\\", "");
}

/** Counters of the user's are whatever their name says; here they stand for the simulated requests. */
function withOwnCounters(canary: Canary, query: string): string {
  const standIns = new Map<string, { readonly metric: string; readonly arms: Set<Arm> }>();
  for (const check of canary.spec.analysis.checks) {
    if (!isJudged(check) || !hasCounters(check)) continue;
    for (const arm of ARMS) {
      const counters = filledCounters(canary, check, arm);
      if ("message" in counters) continue;
      for (const what of ["total", "bad"] as const) {
        const standIn = standIns.get(counters[what]) ?? { metric: OWN[what], arms: new Set() };
        standIns.set(counters[what], standIn);
        standIn.arms.add(arm);
      }
    }
  }
  const longestFirst = [...standIns].sort(([a], [b]) => b.length - a.length);
  return longestFirst.reduce((text, [counter, { metric, arms }]) => {
    return text.replaceAll(counter, `${metric}{arm=~"${[...arms].join("|")}"}`);
  }, query);
}

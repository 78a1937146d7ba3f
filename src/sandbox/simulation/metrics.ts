import type { Canary } from "../../api/canary.ts";
import { isJudged } from "../../api/checks/index.ts";
import { podsOf } from "../../metrics/dataPlanes/dataPlane.ts";
import type { DataPlane, RequestMetrics, Subject } from "../../metrics/dataPlanes/dataPlane.ts";
import type { SeriesAnswer } from "../../metrics/provider.ts";
import { filledCounters, hasCounters } from "../../observe/judgedQuestions.ts";
import type { AskSeries } from "../../observe/series.ts";
import { createQueryEngine } from "../prometheus/eval/query.ts";
import { createTsdb } from "../prometheus/tsdb.ts";
import { EDGES_MS } from "./arms.ts";
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
  /** As of now, unless a moment is given; later and later ones. */
  scrape(atMs?: number): void;
  readonly ask: AskSeries;
}

type Labels = Readonly<Record<string, string>>;

/** A series, and what it says of what a version has answered so far. */
interface Counter {
  readonly labels: Labels;
  readonly of: (answered: Answered, seconds: number) => number;
}

const ARMS = ["canary", "primary"] as const;
/** What stands for counters of the user's, whatever they are called. */
const OWN = { total: "simulated_requests_total", bad: "simulated_failures_total" } as const;
/** An hour before the release is looked at as well. */
const RETENTION_MS = 2 * 3_600_000;

export function createSimulatedMetrics(options: SimulatedMetricsOptions): SimulatedMetrics {
  const { now, requests, planes, subject } = options;
  const tsdb = createTsdb({ now, retentionMs: RETENTION_MS });
  const engine = createQueryEngine({ storage: tsdb });
  const counters = { canary: countersOf("canary", planes, subject), primary: countersOf("primary", planes, subject) };
  return {
    scrape(atMs = now()) {
      for (const arm of ARMS) {
        const answered = requests.answered[arm];
        if (answered.requests === 0) continue;
        for (const { labels, of } of counters[arm]) tsdb.append(labels, atMs, of(answered, atMs / 1_000));
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

/** Whatever is counted of one version. */
function countersOf(arm: Arm, planes: readonly DataPlane[], subject: Subject): readonly Counter[] {
  const pod = sampleOf(podsOf(subject.kind, subject.workload[arm]));
  return [
    { labels: { __name__: OWN.total, arm }, of: ({ requests }) => requests },
    { labels: { __name__: OWN.bad, arm }, of: ({ failed }) => failed },
    ...planes.flatMap((plane) => countedBy(plane.metrics(subject), arm)),
    ...measuredOf({ namespace: subject.namespace, pod, container: "simulated" }),
  ];
}

/** The series of one version as a data plane names them. */
function countedBy(metrics: RequestMetrics, arm: Arm): readonly Counter[] {
  const { label, scope, requests: name, failed, latency, ...patterns } = metrics;
  const labels = { [label]: sampleOf(patterns[arm]), ...labelsOf(scope) };
  const bad = labelsOf(failed);
  const good = Object.fromEntries(Object.keys(bad).map((key) => [key, /=~/.test(failed) ? "200" : "success"]));
  const answers: readonly Counter[] = [
    { labels: { __name__: name, ...labels, ...good }, of: ({ requests, failed: no }) => requests - no },
    { labels: { __name__: name, ...labels, ...bad }, of: ({ failed: no }) => no },
  ];
  if (latency === undefined) return answers;
  const bucket = { __name__: `${latency.metric}_bucket`, ...labels };
  return [
    ...answers,
    ...EDGES_MS.map((edge, index): Counter => {
      return { labels: { ...bucket, le: String(edge / latency.unitMs) }, of: ({ within }) => within[index] ?? 0 };
    }),
    { labels: { ...bucket, le: "+Inf" }, of: ({ requests }) => requests },
  ];
}

/** A container that uses less than half of its limits and is never throttled, as kubelets and kube-state-metrics say it. */
function measuredOf(container: Labels): readonly Counter[] {
  const counter = (name: string, of: (seconds: number) => number, more: Labels = {}): Counter => {
    return { labels: { __name__: name, ...container, ...more }, of: (_answered, seconds) => of(seconds) };
  };
  return [
    counter("container_memory_working_set_bytes", () => 40e6),
    counter("kube_pod_container_resource_limits", () => 100e6, { resource: "memory" }),
    counter("container_cpu_usage_seconds_total", (seconds) => 0.2 * seconds),
    counter("kube_pod_container_resource_limits", () => 1, { resource: "cpu" }),
    counter("container_cpu_cfs_periods_total", (seconds) => 10 * seconds),
    counter("container_cpu_cfs_throttled_periods_total", () => 0),
  ];
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

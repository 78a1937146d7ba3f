import type { BadManifest } from "./manifests.ts";
import { canary, canaryWith } from "./manifests.ts";

/** Canaries whose judgement is not well-defined. */
export const badAnalyses: readonly BadManifest[] = [
  {
    name: "a blue/green that nothing judges",
    manifest: canary({ strategy: { blueGreen: {} }, analysis: undefined }),
    says: [
      "spec.analysis: Required value: nothing judges the canary: after the switch of a blue/green there is nobody to compare with; add a check of kind threshold or slo",
    ],
  },
  {
    name: "a comparison after a blue/green",
    manifest: canary({ strategy: { blueGreen: {} }, analysis: { checks: [{ name: "same", comparison: {} }] } }),
    says: ["spec.analysis.checks: Invalid value", "a comparison needs requests to both versions at a time"],
  },
  {
    name: "an objective in a preview without users",
    manifest: canary({
      strategy: { blueGreen: { preview: { hold: "1m", checks: ["goal"] } } },
      analysis: { checks: [{ name: "goal", slo: { objective: 99.9 } }] },
    }),
    says: [
      "spec.strategy.blueGreen.preview.checks: Invalid value",
      "names a check of kind slo, which needs users, and in a preview there are none",
    ],
  },
  {
    name: "an objective that nothing can miss",
    manifest: canaryWith.kind({ slo: { objective: 100 } }),
    says: ["spec.analysis.checks[0].slo.objective: Invalid value: 100", "less than or equal to 99"],
  },
  {
    name: "an objective as a share",
    manifest: canaryWith.kind({ slo: { objective: 0.999 } }),
    says: ["spec.analysis.checks[0].slo.objective: Invalid value: 0.999", "greater than or equal to 50"],
  },
  {
    name: "an objective for so many hours",
    manifest: canaryWith.kind({ slo: { objective: 99.9, period: "720h" } }),
    says: ['spec.analysis.checks[0].slo.period: Invalid value: "720h": must be a number of days such as 30d'],
  },
  {
    name: "an objective by two sorts of counters",
    manifest: canaryWith.kind({ slo: { objective: 99.9, dataPlane: "Istio", counters: { bad: "a", total: "b" } } }),
    says: ["spec.analysis.checks[0].slo: Invalid value", "choose at most one of counters, dataPlane"],
  },
  {
    name: "counters without a total",
    manifest: canaryWith.kind({ comparison: { counters: { bad: "errors" } } }),
    says: ["spec.analysis.checks[0].comparison.counters.total: Required value"],
  },
  {
    name: "counters beside signals",
    manifest: canaryWith.kind({ comparison: { counters: { bad: "a", total: "b" }, signals: ["Errors"] } }),
    says: ["counters are compared as they are: remove signals, dataPlane and slowerThan, or remove counters"],
  },
  {
    name: "a latency that nothing looks at",
    manifest: canaryWith.kind({ comparison: { signals: ["Errors"], slowerThan: "250ms" } }),
    says: ["comparison.slowerThan: Invalid value", "has no effect without the signal Latency"],
  },
  {
    name: "an unknown signal",
    manifest: canaryWith.kind({ comparison: { signals: ["Saturation"] } }),
    says: ['comparison.signals[0]: Unsupported value: "Saturation": supported values: "Errors", "Latency"'],
  },
  {
    name: "an unknown data plane",
    manifest: canaryWith.kind({ comparison: { dataPlane: "istio" } }),
    says: ['comparison.dataPlane: Unsupported value: "istio": supported values: "Contour", "EnvoyGateway", "Istio"'],
  },
  {
    name: "a margin that lets everything pass",
    manifest: canaryWith.kind({ comparison: { margin: 90 } }),
    says: ["spec.analysis.checks[0].comparison.margin: Invalid value: 90", "less than or equal to 50"],
  },
  {
    name: "a comparison of no request",
    manifest: canaryWith.kind({ comparison: { minRequests: 0 } }),
    says: ["comparison.minRequests: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "a check of two kinds",
    manifest: canaryWith.kind({ comparison: {}, slo: { objective: 99.9 } }),
    says: [
      "spec.analysis.checks[0]: Invalid value",
      "choose exactly one of threshold, slo, comparison, pods, job, saturation; found slo comparison",
    ],
  },
  {
    name: "two looks at the same pods",
    manifest: canaryWith.analysis({ checks: ["a", "b"].map((name) => ({ name, pods: {} })) }),
    says: ["spec.analysis.checks: Invalid value", "there are two checks of kind pods"],
  },
  {
    name: "pods that may be silent",
    manifest: canaryWith.kind({ pods: {}, onNoData: "Ignore" }),
    says: ["spec.analysis.checks[0].onNoData: Invalid value", "pods are always there to be looked at: remove onNoData"],
  },
  {
    name: "pods that may be unready for ever",
    manifest: canaryWith.kind({ pods: { unreadyFor: "2h" } }),
    says: ['checks[0].pods.unreadyFor: Invalid value: "2h": must be a duration from 0s to 1h'],
  },
  {
    name: "memory above its limit",
    manifest: canaryWith.kind({ saturation: { maxMemoryPercent: 120 } }),
    says: ["spec.analysis.checks[0].saturation.maxMemoryPercent: Invalid value: 120", "less than or equal to 100"],
  },
  {
    name: "CPU as a share of nothing",
    manifest: canaryWith.kind({ saturation: { maxCPUPercent: 0 } }),
    says: ["spec.analysis.checks[0].saturation.maxCPUPercent: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "less throttling than none",
    manifest: canaryWith.kind({ saturation: { maxThrottledPercent: -1 } }),
    says: ["spec.analysis.checks[0].saturation.maxThrottledPercent: Invalid value: -1", "greater than or equal to 0"],
  },
  {
    name: "a single moment at the limit as a verdict",
    manifest: canaryWith.kind({ mode: "Gate", saturation: { consecutiveFailureLimit: 0 } }),
    says: ["saturation.consecutiveFailureLimit: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "a rollback for containers without limits",
    manifest: canaryWith.kind({ mode: "Gate", saturation: {}, onNoData: "Fail" }),
    says: [
      "spec.analysis.checks[0].onNoData: Invalid value",
      "containers without metrics or limits are no failure: choose Undecided or Ignore",
    ],
  },
  {
    name: "nothing but a look at how full containers are, which only reports",
    manifest: canaryWith.kind({ saturation: {} }),
    says: ["spec.analysis.checks: Invalid value", "every check only reports, so nothing judges the canary"],
  },
  {
    name: "metrics that come after an hour",
    manifest: canaryWith.analysis({ metricsDelay: "1h" }),
    says: ['spec.analysis.metricsDelay: Invalid value: "1h": must be a duration from 0s to 10m'],
  },
  {
    name: "checks of a Canary that is to be unjudged",
    manifest: canaryWith.analysis({ unjudged: true }),
    says: ["spec.analysis: Invalid value", "unjudged: true and checks exclude each other; remove one of them"],
  },
  {
    name: "an empty list of checks",
    manifest: canary({ analysis: { checks: [] } }),
    says: ["spec.analysis.checks: Invalid value: 0", "should have at least 1 items"],
  },
  {
    name: "a check of no kind",
    manifest: canaryWith.analysis({ checks: [{ name: "errors" }] }),
    says: [
      "spec.analysis.checks[0]: Invalid value",
      "choose exactly one of threshold, slo, comparison, pods, job, saturation; found none",
    ],
  },
  {
    name: "a check without a name",
    manifest: canaryWith.analysis({ checks: [{ threshold: { query: "up", max: 1 } }] }),
    says: ["spec.analysis.checks[0].name: Required value"],
  },
  {
    name: "a check with a name in capitals",
    manifest: canaryWith.analysis({ checks: [{ name: "Error Rate", threshold: { query: "up", max: 1 } }] }),
    says: [
      `spec.analysis.checks[0].name: Invalid value: "Error Rate": must be lower-case letters, digits and '-', such as error-rate`,
    ],
  },
  {
    name: "two checks of one name",
    manifest: canaryWith.analysis({
      checks: [1, 2].map((max) => ({ name: "errors", threshold: { query: "up", max } })),
    }),
    says: ['spec.analysis.checks[1]: Duplicate value: {"name":"errors"}'],
  },
  {
    name: "a check without a query",
    manifest: canaryWith.threshold({ query: undefined }),
    says: ["spec.analysis.checks[0].threshold.query: Required value"],
  },
  {
    name: "an empty query",
    manifest: canaryWith.threshold({ query: "" }),
    says: ["spec.analysis.checks[0].threshold.query: Invalid value", "at least 1 chars long"],
  },
  {
    name: "a query of a book's length",
    manifest: canaryWith.threshold({ query: "x".repeat(4097) }),
    says: ["spec.analysis.checks[0].threshold.query: Too long: may not be more than 4096"],
  },
  {
    name: "a threshold without bounds",
    manifest: canaryWith.threshold({ max: undefined }),
    says: ["spec.analysis.checks[0].threshold: Invalid value", "needs a bound: set min, max or both"],
  },
  {
    name: "a minimum above the maximum",
    manifest: canaryWith.threshold({ min: 2, max: 1 }),
    says: ["spec.analysis.checks[0].threshold: Invalid value", "min must not be above max, or no reading could pass"],
  },
  {
    name: "a bound as text",
    manifest: canaryWith.threshold({ max: "0.5" }),
    says: ["spec.analysis.checks[0].threshold.max: Invalid value", "must be of type number"],
  },
  {
    name: "a negative failure limit",
    manifest: canaryWith.threshold({ failureLimit: -1 }),
    says: ["spec.analysis.checks[0].threshold.failureLimit: Invalid value: -1", "greater than or equal to 0"],
  },
  {
    name: "a consecutive limit that could not take effect",
    manifest: canaryWith.threshold({ consecutiveFailureLimit: 3 }),
    says: [
      "spec.analysis.checks[0].threshold.consecutiveFailureLimit: Invalid value",
      "consecutiveFailureLimit has no effect above failureLimit; raise failureLimit or lower it",
    ],
  },
  {
    name: "a provider of an unknown kind",
    manifest: canaryWith.threshold({ providerRef: { kind: "MetricTemplate", name: "prom" } }),
    says: [
      'threshold.providerRef.kind: Unsupported value: "MetricTemplate": supported values: "MetricProvider", "ClusterMetricProvider"',
    ],
  },
  {
    name: "a provider without a name",
    manifest: canaryWith.threshold({ providerRef: {} }),
    says: ["threshold.providerRef.name: Required value"],
  },
  {
    name: "a Job of nothing",
    manifest: canaryWith.analysis({ checks: [{ name: "smoke", job: {} }] }),
    says: ["spec.analysis.checks[0].job.template: Required value"],
  },
  {
    name: "a Job that may take a day",
    manifest: canaryWith.analysis({ checks: [{ name: "smoke", job: { template: { spec: {} }, deadline: "24h" } }] }),
    says: ['spec.analysis.checks[0].job.deadline: Invalid value: "24h": must be a duration from 10s to 6h'],
  },
  {
    name: "a Job that is tried for ever",
    manifest: canaryWith.analysis({ checks: [{ name: "smoke", job: { template: { spec: {} }, retries: 99 } }] }),
    says: ["spec.analysis.checks[0].job.retries: Invalid value: 99", "less than or equal to 10"],
  },
  {
    name: "a Job and a threshold in one check",
    manifest: canaryWith.analysis({
      checks: [{ name: "smoke", job: { template: { spec: {} } }, threshold: { query: "up", max: 1 } }],
    }),
    says: [
      "spec.analysis.checks[0]: Invalid value",
      "choose exactly one of threshold, slo, comparison, pods, job, saturation; found threshold job",
    ],
  },
  {
    name: "an interval that would flood Prometheus",
    manifest: canaryWith.analysis({ interval: "100ms" }),
    says: ['spec.analysis.interval: Invalid value: "100ms": must be a duration from 1s to 1h'],
  },
  {
    name: "a check of an unknown mode",
    manifest: canaryWith.check({ mode: "Observe" }),
    says: ['spec.analysis.checks[0].mode: Unsupported value: "Observe": supported values: "Gate", "Report"'],
  },
  {
    name: "checks that all only report",
    manifest: canaryWith.check({ mode: "Report" }),
    says: ["spec.analysis.checks: Invalid value", "every check only reports, so nothing judges the canary"],
  },
  {
    name: "an unknown meaning of silence",
    manifest: canaryWith.check({ onNoData: "Pass" }),
    says: ['checks[0].onNoData: Unsupported value: "Pass": supported values: "Undecided", "Ignore", "Fail"'],
  },
  {
    name: "a check that wants no reading",
    manifest: canaryWith.threshold({ minReadings: 0 }),
    says: ["spec.analysis.checks[0].threshold.minReadings: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "an unknown way to be undecided",
    manifest: canaryWith.analysis({ onUndecided: "pause" }),
    says: ['spec.analysis.onUndecided: Unsupported value: "pause": supported values: "Pause", "Promote", "Rollback"'],
  },
];

/** Canaries with a misspelt field or a switch in a position that there is not. */
export const badSwitches: readonly BadManifest[] = [
  { name: "a misspelt field", manifest: canary({ strateggy: {} }), says: ['unknown field "spec.strateggy"'] },
  {
    name: "a deadline of no time",
    manifest: canary({ progressDeadlineSeconds: 0 }),
    says: ["spec.progressDeadlineSeconds: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "a deadline with a unit",
    manifest: canary({ progressDeadlineSeconds: "10m" }),
    says: ["spec.progressDeadlineSeconds: Invalid value", "must be of type integer"],
  },
  {
    name: "an unknown way to be deleted",
    manifest: canary({ onDelete: "Orphan" }),
    says: ['spec.onDelete: Unsupported value: "Orphan": supported values: "Restore", "Keep"'],
  },
  {
    name: "a suspension in words",
    manifest: canary({ suspend: "yes" }),
    says: ["spec.suspend: Invalid value", "must be of type boolean"],
  },
];

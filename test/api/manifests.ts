/** Manifests that are right, and the means to spoil one field of them. */
export interface Manifest {
  readonly apiVersion: "aviary.dev/v1beta1";
  readonly kind:
    | "Canary"
    | "CanaryAction"
    | "MetricProvider"
    | "ClusterMetricProvider"
    | "AnalysisTemplate"
    | "ClusterAnalysisTemplate";
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
}

/** A manifest that an API server refuses. */
export interface BadManifest {
  /** What is wrong with it, as the rest of "refuses …". */
  readonly name: string;
  readonly manifest: Manifest;
  /** Parts of the sentence; all must occur. */
  readonly says: readonly string[];
  /** The stored object that the manifest would change; left out: the manifest would create one. */
  readonly before?: Manifest;
}

type Fields = Readonly<Record<string, unknown>>;

const named = (kind: Manifest["kind"], spec: unknown, name = "sample"): Manifest => ({
  apiVersion: "aviary.dev/v1beta1",
  kind,
  metadata: { name },
  spec,
});

const goodCheck = { name: "errors", threshold: { query: "up", max: 0.01 } };
const goodSpec = {
  targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "podinfo" },
  traffic: { gatewayAPI: { routeRefs: [{ name: "podinfo" }] } },
  analysis: { checks: [goodCheck] },
};

/** A good Canary with fields of its spec replaced; `undefined` removes one. */
export const canary = (fields: Fields = {}, name?: string): Manifest =>
  named("Canary", { ...goodSpec, ...fields }, name);

export const canaryWith = {
  target: (fields: Fields) => canary({ targetRef: { ...goodSpec.targetRef, ...fields } }),
  traffic: (traffic: Fields) => canary({ traffic }),
  route: (fields: Fields) => canary({ traffic: { gatewayAPI: { routeRefs: [{ name: "podinfo", ...fields }] } } }),
  steps: (...steps: readonly Fields[]) => canary({ strategy: { canary: { steps } } }),
  analysis: (fields: Fields) => canary({ analysis: { checks: [goodCheck], ...fields } }),
  kind: (block: Fields) => canary({ analysis: { checks: [{ name: "errors", ...block }] } }),
  check: (fields: Fields) => canary({ analysis: { checks: [{ ...goodCheck, ...fields }] } }),
  threshold: (fields: Fields) =>
    canary({ analysis: { checks: [{ ...goodCheck, threshold: { ...goodCheck.threshold, ...fields } }] } }),
};

/** A good CanaryAction with fields of its spec replaced. */
export const action = (fields: Fields = {}): Manifest =>
  named("CanaryAction", { canaryRef: { name: "podinfo" }, action: "Approve", ...fields });

/** A good MetricProvider with fields of its `prometheus` block replaced. */
export const metricProvider = (fields: Fields = {}): Manifest =>
  named("MetricProvider", { prometheus: { url: "http://prometheus.monitoring:9090", ...fields } });

/** A good ClusterMetricProvider with fields of its `prometheus` block replaced. */
export const clusterMetricProvider = (fields: Fields = {}): Manifest =>
  named("ClusterMetricProvider", { prometheus: { url: "http://prometheus.monitoring:9090", ...fields } });

/** A good AnalysisTemplate with fields of its spec replaced. */
export const analysisTemplate = (fields: Fields = {}): Manifest =>
  named("AnalysisTemplate", {
    args: [{ name: "maxErrors", type: "Number", default: "0.01", sets: [{ check: "errors", field: "threshold.max" }] }],
    checks: [goodCheck],
    ...fields,
  });

/** A MetricProvider with a spec of any kind. */
export const rawMetricProvider = (spec: Fields): Manifest => named("MetricProvider", spec);

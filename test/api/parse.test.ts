import { describe, expect, it } from "vitest";
import { canaryParser } from "../../src/api/canary.ts";
import { parseCanaryAction } from "../../src/api/canaryAction.ts";
import { metricProviderParser } from "../../src/api/metricProvider.ts";
import { metricProviders } from "../../src/metrics/index.ts";
import { trafficPlugIns } from "../../src/routers/index.ts";
import { targetKinds } from "../../src/workloads/index.ts";
import { action, canary, canaryWith, clusterMetricProvider, metricProvider, rawMetricProvider } from "./manifests.ts";

const byName = <T>(plugins: readonly { readonly name: string; readonly schema: T }[]) =>
  Object.fromEntries(plugins.map(({ name, schema }) => [name, schema]));
const parseCanary = canaryParser({ ...trafficPlugIns, targetKinds });
const parseProvider = metricProviderParser("MetricProvider", { blocks: byName(metricProviders) });
const parseClusterProvider = metricProviderParser("ClusterMetricProvider", { blocks: byName(metricProviders) });

const specOf = (object: unknown) => {
  const parsed = parseCanary(object);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.canary.spec;
};
const problemsOf = (object: unknown) => {
  const parsed = parseCanary(object);
  return parsed.ok ? [] : parsed.problems;
};

describe("a Canary that is parsed", () => {
  it("has every default, though no API server filled it in", () => {
    expect(specOf(canary())).toEqual({
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "podinfo" },
      traffic: {
        drain: "10s",
        router: "gatewayAPI",
        block: { routeRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "podinfo" }] },
      },
      strategy: {
        canary: { steps: [5, 10, 20, 30, 40, 50].map((weight) => ({ weight, hold: "60s" })), returnSteps: [] },
      },
      analysis: {
        interval: "30s",
        metricsDelay: "15s",
        undecidedAfter: "5m",
        onUndecided: "Pause",
        unjudged: false,
        checks: [
          {
            name: "errors",
            mode: "Gate",
            onNoData: "Undecided",
            threshold: { query: "up", max: 0.01, failureLimit: 2, minReadings: 1 },
          },
          {
            name: "pods",
            mode: "Gate",
            onNoData: "Undecided",
            byDefault: true,
            pods: { maxRestarts: 1, unreadyFor: "1m" },
          },
          {
            name: "saturation",
            mode: "Report",
            onNoData: "Undecided",
            byDefault: true,
            saturation: {
              maxMemoryPercent: 90,
              maxCPUPercent: 90,
              maxThrottledPercent: 25,
              consecutiveFailureLimit: 2,
            },
          },
        ],
      },
      progressDeadlineSeconds: 600,
      idleReplicas: 0,
      onDelete: "Restore",
      suspend: false,
      trackConfiguration: true,
      allowUnsafe: false,
    });
  });

  it("is judged by a comparison when it says nothing, and takes its time for it", () => {
    const { analysis } = specOf(canary({ analysis: undefined })) as { analysis: object };
    expect(analysis).toMatchObject({
      checks: [
        { name: "regressions", mode: "Gate", comparison: { minRequests: 20, minFailures: 3 } },
        { name: "pods", mode: "Gate", pods: { maxRestarts: 1, unreadyFor: "1m" } },
        { name: "saturation", mode: "Report" },
      ],
      minDuration: "6m",
      undecidedAfter: "30m",
    });
  });

  it.each([
    {
      what: "a check of that kind says otherwise",
      checks: [{ name: "p", mode: "Report", pods: {} }, { name: "s", mode: "Gate", saturation: {} }], // prettier-ignore
      expected: ["p Report", "s Gate"],
    },
    {
      what: "another check has that name",
      checks: [{ name: "pods", threshold: { query: "up", min: 1 } }],
      expected: ["pods Gate", "default-pods Gate", "saturation Report"],
    },
  ])("has its pods and their room looked at, in its own way where $what", ({ checks, expected }) => {
    const { analysis } = specOf(canary({ analysis: { checks } }));
    expect(analysis.checks.map(({ name, mode }) => `${name} ${mode}`)).toEqual(expected);
  });

  it("has the room of its pods asked of who counts its versions", () => {
    const providerRef = { kind: "MetricProvider", name: "own" };
    const { analysis } = specOf(canary({ analysis: { checks: [{ name: "c", comparison: { providerRef } }] } }));
    expect(analysis.checks.at(-1)).toMatchObject({ name: "saturation", saturation: { providerRef } });
  });

  it("has its steps told apart, with the hold filled in", () => {
    const { strategy } = specOf(canaryWith.steps({ weight: 5 }, { pause: {} }, { weight: 20, hold: "5m" }));
    const steps = [{ weight: 5, hold: "60s" }, { pause: {} }, { weight: 20, hold: "5m" }];
    expect(strategy).toEqual({ canary: { steps, returnSteps: [] } });
  });

  it("has no checks when it is unjudged", () => {
    expect(specOf(canary({ analysis: { unjudged: true } })).analysis).toMatchObject({ unjudged: true, checks: [] });
  });

  it("names the router that its block asks for, and keeps the fields of somebody else's API", () => {
    const parentRefs = [{ name: "gateway", sectionName: "https" }];
    const { traffic } = specOf(canaryWith.traffic({ settle: "1s", gatewayAPI: { route: { parentRefs } } }));
    expect(traffic).toMatchObject({ settle: "1s", router: "gatewayAPI", block: { route: { parentRefs } } });
    const behindIngress = canaryWith.traffic({ nginx: { ingressRefs: [{ name: "podinfo" }] } });
    expect(specOf(behindIngress).traffic.router).toBe("nginx");
  });

  it("keeps its metadata as it came", () => {
    const metadata = {
      name: "sample",
      namespace: "shop",
      uid: "1",
      generation: 2,
      finalizers: ["aviary.dev/hand-back"],
    };
    const parsed = parseCanary({ ...canary(), metadata });
    expect(parsed.ok && parsed.canary.metadata).toBe(metadata);
  });

  it.each([
    ["no traffic block", canaryWith.traffic({}), "spec", "choose exactly one of"],
    [
      "two traffic blocks",
      canaryWith.traffic({ gatewayAPI: {}, nginx: { ingressRefs: [{ name: "a" }] } }),
      "spec",
      "choose exactly one of",
    ],
    ["an empty step", canaryWith.steps({}), "spec", "choose exactly one of weight, pause"],
    ["a check of no kind", canaryWith.analysis({ checks: [{ name: "a" }] }), "spec", "exactly one kind is needed"],
    ["a strategy without a block", canary({ strategy: {} }), "spec", "choose exactly one of canary"],
    ["a weight as text", canaryWith.steps({ weight: "5" }), "spec.strategy.canary.steps[0].weight", "expected number"],
    ["no spec", { ...canary(), spec: undefined }, "spec", "expected object"],
    ["another kind", { ...canary(), kind: "Rollout" }, "kind", "Canary"],
    ["no name", { ...canary(), metadata: {} }, "metadata", "needs a name"],
  ])("is refused with %s, by the path of the field", (_, object, path, message) => {
    const problems = problemsOf(object);
    expect(problems[0]?.path).toBe(path);
    expect(problems[0]?.message).toContain(message);
  });

  it.each([undefined, null, 7, "canary", []])("is refused when it is %j", (object) => {
    expect(parseCanary(object).ok).toBe(false);
  });
});

describe("the companions that are parsed", () => {
  it("are an action with its step", () => {
    const parsed = parseCanaryAction(action({ step: 2, reason: "looks good" }));
    expect(parsed.ok && parsed.action.spec).toEqual({
      canaryRef: { name: "podinfo" },
      action: "Approve",
      step: 2,
      reason: "looks good",
    });
    expect(parseCanaryAction(action({ action: "approve" })).ok).toBe(false);
  });

  it("are providers with the name of their block and its defaults", () => {
    const spec = { provider: "prometheus", block: { url: "http://prometheus.monitoring:9090", timeout: "10s" } };
    const parsed = [parseProvider(metricProvider()), parseClusterProvider(clusterMetricProvider())];
    expect(parsed).toMatchObject([
      { ok: true, provider: { kind: "MetricProvider", spec } },
      { ok: true, provider: { kind: "ClusterMetricProvider", spec } },
    ]);
  });

  it("are no provider without a block, nor one of the other kind", () => {
    expect(parseProvider(rawMetricProvider({}))).toEqual({
      ok: false,
      problems: [{ path: "spec", message: expect.stringMatching(/^choose exactly one of prometheus, /) as string }],
    });
    expect(parseProvider(clusterMetricProvider()).ok).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, born, conditionOf, outcomes, watchLives } from "./lives.ts";
import { withSteps } from "./manifests.ts";
import type { Behaviour, MetricsWorldOptions } from "./metricsWorld.ts";

watchLives();

const steps = [10, 30, 50].map((weight) => ({ weight, hold: "60s" }));
const CONTOUR = "projectcontour.io/gateway-controller";

/** A life on Contour, without a word about metrics in its Canary. */
function onContour(metrics: MetricsWorldOptions, analysis: object = {}, options: LifeOptions = {}): Promise<Life> {
  const spec = { ...withSteps(steps), analysis, ...options.spec };
  return adopted({ gatewayController: CONTOUR, ...options, metrics, spec });
}

async function release(life: Life, canary: Behaviour): Promise<void> {
  life.metrics.now = { ...life.metrics.now, canary };
  await life.release("2");
}

function ended({ phase }: CanaryStatus): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Paused";
}

const busy = { rps: 100, primary: { errors: 0.001 } };

describe("a Canary that says nothing about metrics", () => {
  it("promotes a version like the one before, by the data plane's own metrics", async () => {
    const life = await onContour(busy);
    await release(life, { errors: 0.001 });
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    const [check] = life.status().checks ?? [];
    expect(check).toMatchObject({ name: "regressions", verdict: "Pass", dataPlane: "Contour" });
    expect(check?.evidence?.map(({ signal, verdict }) => `${signal} ${verdict}`)).toEqual([
      "Errors Pass",
      "Latency Pass",
    ]);
    expect(check?.queries?.[1]?.query).toContain('envoy_response_code=~"5.."');
  });

  it("takes one back that fails more often, long before the end", async () => {
    const life = await onContour(busy);
    await release(life, { errors: 0.05 });
    const since = life.clock.now();
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.clock.now() - since).toBeLessThan(300_000);
    expect(life.status().history?.[0]?.why.rule).toBe("failOnChecks");
    expect(life.status().history?.[0]?.why.message).toMatch(
      /^check regressions failed: worse: canary \d+ of [\d ]+ bad/,
    );
  });

  it("takes one back that is slower, though none of its requests fails", async () => {
    const life = await onContour(busy);
    await release(life, { errors: 0.001, slow: 0.1 });
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.status().checks?.[0]?.evidence).toContainEqual(
      expect.objectContaining({ signal: "Latency", verdict: "Fail", slowerThanMs: 100 }),
    );
  });
});

describe("a comparison", () => {
  it("goes on with what it has seen when the controller is killed, and counts nothing twice", async () => {
    const whole = await onContour(busy);
    await release(whole, { errors: 0.001 });
    await whole.until("an end", ended, 3_600_000);
    const broken = await onContour(busy);
    await release(broken, { errors: 0.001 });
    await broken.until(
      "the second step",
      ({ step, rollout }) => step === "2/3" && rollout?.effectiveSince !== undefined,
    );
    await broken.withoutController(100_000);
    await broken.until("an end", ended, 3_600_000);
    expect(outcomes(broken)).toEqual(["example/web:2 Succeeded"]);
    const counted = (life: Life) => {
      const { canary, primary } = life.status().checks?.[0]?.evidence?.[0] ?? {};
      return (canary?.total ?? 0) + (primary?.total ?? 0);
    };
    expect(counted(broken)).toBeGreaterThan(0.9 * counted(whole));
    const seconds = (broken.clock.now() - Date.parse(broken.status().history?.[0]?.startedAt ?? "")) / 1_000;
    expect(counted(broken)).toBeLessThan(seconds * busy.rps);
  });

  it("takes a restart of the gateway for what it is", async () => {
    const life = await onContour({ ...busy, primary: { errors: 0.02 } });
    await release(life, { errors: 0.02 });
    await life.until("the second step", ({ step }) => step === "2/3");
    life.metrics.reset();
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it("holds while nobody answers, and never rolls back for that", async () => {
    const life = await onContour(busy, { undecidedAfter: "5m" });
    await release(life, { errors: 0.001 });
    await life.until("the second step", ({ step }) => step === "2/3");
    life.metrics.trouble = { kind: "unreachable", message: "connection refused" };
    await life.until("the question to a person", ({ phase }) => phase === "Paused");
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "MetricsUnavailable" });
    expect(life.status().why?.message).toContain("connection refused");
    life.metrics.trouble = undefined;
    await life.until("promotion", ({ phase }) => phase === "Succeeded", 3_600_000);
  });

  it("that only reports says what it would have done, while another check decides", async () => {
    const checks = [
      { name: "regressions", mode: "Report", comparison: {} },
      { name: "objective", slo: { objective: 90, counters: ownCounters } },
    ];
    const life = await onContour(busy, { checks });
    await release(life, { errors: 0.05 });
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.status().checks?.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      "regressions Fail",
      "objective Pass",
      "pods Pass",
    ]);
  });
});

const cluster = 'envoy_cluster_name="{{ namespace }}_{{ service }}_80"';
const ownCounters = {
  total: `envoy_cluster_upstream_rq{${cluster}}`,
  bad: `envoy_cluster_upstream_rq{${cluster},envoy_response_code=~"5.."}`,
};

describe("an objective", () => {
  it("that the canary misses takes it back, though the primary misses it as well", async () => {
    const checks = [{ name: "objective", slo: { objective: 99.9 } }];
    const life = await onContour({ rps: 100, primary: { errors: 0.05 } }, { checks });
    await release(life, { errors: 0.05 });
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.status().history?.[0]?.why.message).toMatch(/^check objective failed/);
  });
});

describe("a service that nobody calls", () => {
  const idle = { rps: 0 };
  it.each([
    { onUndecided: "Pause", phase: "Paused", says: /^step 1\/3 is held: check regressions: no / },
    {
      onUndecided: "Promote",
      phase: "Succeeded",
      says: /is promoted, undecided, since onUndecided is Promote: check regressions: no /,
    },
    {
      onUndecided: "Rollback",
      phase: "Failed",
      says: /^undecided, and onUndecided is Rollback: check regressions: no /,
    },
  ])("ends as the Canary says, with the reason: $onUndecided", async ({ onUndecided, phase, says }) => {
    const life = await onContour(idle, { onUndecided, undecidedAfter: "2m" });
    await release(life, {});
    await life.until("an end", ended, 3_600_000);
    expect(life.status().phase).toBe(phase);
    expect((life.status().history?.[0]?.why ?? life.status().why)?.message).toMatch(says);
    expect(life.status().checks?.[0]).toMatchObject({ verdict: "NoData" });
  });
});

describe("a service with little traffic", () => {
  it("is undecided in the end, and says what would have shown and how long the rest takes", async () => {
    const life = await onContour({ rps: 1, primary: { errors: 0.01 } }, { undecidedAfter: "5m" });
    await release(life, { errors: 0.01 });
    await life.until("an end", ended, 3_600_000);
    expect(life.status().phase).toBe("Paused");
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "Undecided" });
    expect(life.status().why?.message).toMatch(/×\d+ .*needs ~\S+ more at this traffic/);
  });
});

describe("a data plane that does not tell the versions apart", () => {
  it("is said to be so, with what was looked for and what to do", async () => {
    const life = await onContour(
      busy,
      { undecidedAfter: "1m" },
      {
        gatewayController: "gateway.envoyproxy.io/gatewayclass-controller",
      },
    );
    await release(life, {});
    await life.until("an end", ended, 3_600_000);
    expect(life.status().phase).toBe("Paused");
    expect(life.status().why?.message).toMatch(
      /no metrics tell the versions apart: looked for EnvoyGateway .*OpenTelemetry .*HTTPHistogram.*To do: .*backendRefs/,
    );
  });
});

describe("counters of the user's", () => {
  it("are compared as those of a data plane", async () => {
    const checks = [{ name: "own", comparison: { counters: ownCounters } }];
    const life = await onContour(busy, { checks });
    await release(life, { errors: 0.05 });
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it.each([
    [
      "a rate instead of a counter",
      { ...ownCounters, bad: "sum(rate(errors[1m]))" },
      /a counter with its labels is needed/,
    ],
    [
      "a variable of other queries",
      { ...ownCounters, total: 'up{s="{{ canary }}"}' },
      /unknown variable \{\{ canary \}\}/,
    ],
  ])("are refused before anything is adopted: %s", async (_name, counters, says) => {
    const checks = [{ name: "own", comparison: { counters } }];
    const life = await born({ spec: { analysis: { checks } } });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "InvalidQuery" });
    expect(conditionOf(life, "Stalled")?.message).toMatch(says);
  });
});

describe("a canary that gets another part of the requests than its weight says", () => {
  it("is told of, once for each weight", async () => {
    const life = await onContour(busy);
    life.metrics.now = { ...busy, share: () => ((life.weights()["web-canary"] ?? 0) > 0 ? 40 : 0) };
    await release(life, { errors: 0.001 });
    await life.until("an end", ended, 3_600_000);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.events().filter((event) => event === "Warning SampleRatio").length).toBeGreaterThanOrEqual(1);
    expect(life.told().filter((sentence) => sentence.includes("its weight is 10 %"))).toHaveLength(1);
    expect(life.told().join()).toMatch(/the canary gets (39|40|41) % of the requests, and its weight is 10 %/);
  });

  it("is not told of when it is right", async () => {
    const life = await onContour(busy);
    await release(life, { errors: 0.001 });
    await life.until("an end", ended, 3_600_000);
    expect(life.events()).not.toContain("Warning SampleRatio");
  });
});

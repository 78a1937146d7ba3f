import { beforeEach, describe, expect, it } from "vitest";
import type { CanaryStatus, CheckStatus } from "../../src/api/status.ts";
import { createTelemetry, type Telemetry } from "../../src/server/telemetry.ts";

let telemetry: Telemetry;

beforeEach(() => {
  telemetry = createTelemetry();
});

/** The samples of the metrics that begin so, sorted. */
async function samples(prefix: string): Promise<string[]> {
  const lines = (await telemetry.metrics()).split("\n");
  return lines.filter((line) => line.startsWith(prefix)).sort();
}

function check(name: string, verdict: CheckStatus["verdict"], value?: number): CheckStatus {
  const counts = { readings: 1, failures: 0, consecutiveFailures: 0 };
  return { name, verdict, message: "", ...counts, ...(value === undefined ? {} : { value }) };
}

describe("the series of a canary", () => {
  const progressing: CanaryStatus = {
    phase: "Progressing",
    weight: 20,
    checks: [check("latency", "Pass", 0.25), check("errors", "NoData")],
  };

  it("tell its phase, weight, values and verdicts", async () => {
    telemetry.canary("shop", "podinfo", progressing);
    expect(await samples("aviary_canary_")).toEqual([
      'aviary_canary_phase{namespace="shop",name="podinfo",phase="Progressing"} 1',
      'aviary_canary_weight{namespace="shop",name="podinfo"} 20',
    ]);
    expect(await samples("aviary_check_")).toEqual([
      'aviary_check_value{namespace="shop",name="podinfo",check="latency"} 0.25',
      'aviary_check_verdict{namespace="shop",name="podinfo",check="errors",verdict="NoData"} 1',
      'aviary_check_verdict{namespace="shop",name="podinfo",check="latency",verdict="Pass"} 1',
    ]);
  });

  it("follow it: no past phase, verdict, value or check stays behind", async () => {
    telemetry.canary("shop", "podinfo", progressing);
    telemetry.canary("shop", "podinfo", { phase: "RollingBack", weight: 0, checks: [check("latency", "Fail")] });
    expect(await samples("aviary_c")).toEqual([
      'aviary_canary_phase{namespace="shop",name="podinfo",phase="RollingBack"} 1',
      'aviary_canary_weight{namespace="shop",name="podinfo"} 0',
      'aviary_check_verdict{namespace="shop",name="podinfo",check="latency",verdict="Fail"} 1',
    ]);
  });

  it("are all removed with it, and only with it", async () => {
    telemetry.canary("shop", "podinfo", progressing);
    telemetry.canary("shop", "other", { phase: "Idle" });
    telemetry.forgetCanary("shop", "podinfo");
    telemetry.forgetCanary("shop", "never-seen");
    expect(await samples("aviary_c")).toEqual([
      'aviary_canary_phase{namespace="shop",name="other",phase="Idle"} 1',
      'aviary_canary_weight{namespace="shop",name="other"} 0',
    ]);
  });

  it("stay as many as there are canaries, through whole lives of a thousand of them", async () => {
    const phases = ["Initializing", "Idle", "Progressing", "Promoting", "Succeeded"] as const;
    for (let index = 0; index < 1_000; index += 1) {
      for (const phase of phases) telemetry.canary("shop", `c${index}`, { ...progressing, phase });
    }
    expect(await samples("aviary_canary_phase")).toHaveLength(1_000);
    for (let index = 0; index < 1_000; index += 1) telemetry.forgetCanary("shop", `c${index}`);
    expect(await samples("aviary_c")).toEqual([]);
  });
});

describe("the series of the controller", () => {
  it("know every outcome before the first rollout", async () => {
    telemetry.rolloutEnded("Failed");
    expect(await samples("aviary_rollouts_total")).toEqual([
      'aviary_rollouts_total{outcome="Failed"} 1',
      'aviary_rollouts_total{outcome="Reverted"} 0',
      'aviary_rollouts_total{outcome="Skipped"} 0',
      'aviary_rollouts_total{outcome="Succeeded"} 0',
      'aviary_rollouts_total{outcome="Superseded"} 0',
    ]);
  });

  it("count decisions by rule and errors by whose turn it is, and time both", async () => {
    telemetry.reconciled(4, "advance");
    telemetry.reconcileFailed(2_000, "environment");
    expect(await samples("aviary_decisions_total")).toEqual(['aviary_decisions_total{rule="advance"} 1']);
    expect(await samples("aviary_reconcile_errors_total")).toEqual([
      'aviary_reconcile_errors_total{kind="environment"} 1',
    ]);
    expect(await samples("aviary_reconcile_duration_seconds_sum")).toEqual([
      "aviary_reconcile_duration_seconds_sum 2.004",
    ]);
    expect(await samples('aviary_reconcile_duration_seconds_bucket{le="0.005"}')).toEqual([
      'aviary_reconcile_duration_seconds_bucket{le="0.005"} 1',
    ]);
  });

  it("count requests to the API server, also those without an answer", async () => {
    telemetry.kubeRequest({ verb: "patch", kind: "Deployment", code: 200, durationMs: 10 });
    telemetry.kubeRequest({ verb: "patch", kind: "Deployment", code: 0, durationMs: 10_000 });
    expect(await samples("aviary_kube_requests_total")).toEqual([
      'aviary_kube_requests_total{verb="patch",kind="Deployment",code="200"} 1',
      'aviary_kube_requests_total{verb="patch",kind="Deployment",code="none"} 1',
    ]);
    expect(await samples("aviary_kube_request_duration_seconds_count")).toEqual([
      'aviary_kube_request_duration_seconds_count{verb="patch"} 2',
    ]);
  });

  it("ask the queue and the watches when they are scraped", async () => {
    let oldestMs = 1_500;
    telemetry.observeQueue(() => ({ depth: 3, oldestMs }));
    telemetry.observeWatch({ kind: { kind: "Canary" }, lastContactAgeMs: () => 250 });
    telemetry.queueRetried();
    expect(await samples("aviary_queue_")).toEqual([
      "aviary_queue_depth 3",
      "aviary_queue_oldest_seconds 1.5",
      "aviary_queue_retries_total 1",
    ]);
    expect(await samples("aviary_watch_")).toEqual(['aviary_watch_last_contact_seconds{kind="Canary"} 0.25']);
    oldestMs = 0;
    expect(await samples("aviary_queue_oldest_seconds")).toEqual(["aviary_queue_oldest_seconds 0"]);
  });

  it("say who leads, and how the process is", async () => {
    telemetry.leader(true);
    expect(await samples("aviary_leader")).toEqual(["aviary_leader 1"]);
    telemetry.leader(false);
    expect(await samples("aviary_leader")).toEqual(["aviary_leader 0"]);
    expect(await samples("process_resident_memory_bytes")).toHaveLength(1);
  });

  it("belong to one controller only, also with two in one process", async () => {
    createTelemetry().rolloutEnded("Succeeded");
    expect(await samples('aviary_rollouts_total{outcome="Succeeded"}')).toEqual([
      'aviary_rollouts_total{outcome="Succeeded"} 0',
    ]);
  });
});

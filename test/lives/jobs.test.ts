import { describe, expect, it } from "vitest";
import type { Job } from "../../src/kube/jobObjects.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { livesWithCrashes } from "./crashes.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, conditionOf, outcomes, underWay, watchLives } from "./lives.ts";
import { NAMESPACE, oneCheck, withSteps } from "./manifests.ts";

watchLives();

interface Task {
  readonly exitCode?: number;
  readonly afterMs?: number;
  readonly image?: string;
  readonly job?: object;
  readonly labels?: object;
}

/** A Canary that is judged by nothing but a Job. */
function judgedBy({ exitCode = 0, afterMs = 5_000, image = "example/test:1", job = {}, labels }: Task): LifeOptions {
  const env = [
    { name: "EXIT_CODE", value: String(exitCode) },
    { name: "EXIT_AFTER_MS", value: String(afterMs) },
    { name: "URL", value: "http://{{ canary }}.{{ namespace }}" },
  ];
  const template = {
    ...(labels === undefined ? {} : { metadata: { labels } }),
    spec: { containers: [{ name: "test", image, env }] },
  };
  return { spec: { analysis: { interval: "10s", checks: [{ name: "smoke", job: { template, ...job } }] } } };
}

async function jobsOf(life: Life): Promise<readonly Job[]> {
  return (await life.kube.list<Job>(kinds.job, { namespace: NAMESPACE })).items;
}

describe("a check by a Job", () => {
  it("runs once at every step, knows the canary's names, and lets a good release through", async () => {
    const life = await adopted(judgedBy({}));
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const jobs = await jobsOf(life);
    expect(jobs).toHaveLength(2);
    expect(jobs[0]?.spec).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 600,
      ttlSecondsAfterFinished: 3_600,
      template: { spec: { restartPolicy: "Never" } },
    });
    expect(jobs[0]?.metadata.ownerReferences).toMatchObject([{ kind: "Canary", name: "web" }]);
    expect(JSON.stringify(jobs[0]?.spec.template)).toContain(`http://web-canary.${NAMESPACE}`);
    expect(life.events()).toContain("Normal RunJobs");
  });

  it("rolls a release back when it fails, and says with which code", async () => {
    const life = await adopted(judgedBy({ exitCode: 3, job: { retries: 1 } }));
    await life.release("2");
    await life.until("a rollback", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toMatch(
      /^check smoke failed: Job web-smoke-\w{10} failed: .*backoff limit; pod .*: container test Error, exit code 3$/,
    );
    expect((await jobsOf(life)).map(({ status }) => status?.failed)).toEqual([2]);
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("has failed when it does not end in time", async () => {
    const life = await adopted(judgedBy({ afterMs: 3_000_000, job: { deadline: "30s" } }));
    await life.release("2");
    await life.until("a rollback", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toContain("it took longer than its deadline");
  });

  it("says nothing about the canary when it does not start, and can be tried again", async () => {
    const life = await underWay(judgedBy({ image: "example/missing:1", job: { deadline: "1m" } }));
    await life.until("a pause", ({ phase }) => phase === "Paused", 3_600_000);
    expect(life.status().why?.message).toMatch(/Job web-smoke-\w+ does not start: pod .* ImagePullBackOff/);
    expect(conditionOf(life, "Stalled")).toBeUndefined();
    expect(life.weights()).toEqual({ "web-primary": 90, "web-canary": 10 });
    const [job] = await jobsOf(life);
    await life.kube.delete(kinds.job, { namespace: NAMESPACE, name: job?.metadata.name ?? "" });
    await life.until("another try", ({ checks }) => checks?.[0]?.message.includes("is running") === true);
  });

  it("is ended with the rollout that it was for", async () => {
    const life = await underWay(judgedBy({ afterMs: 3_000_000 }));
    await life.pass(10_000);
    expect(await jobsOf(life)).toHaveLength(1);
    await life.act("Abort");
    await life.until("a rollback", ({ phase }) => phase === "Failed");
    await life.pass(60_000);
    expect(await jobsOf(life)).toEqual([]);
  });

  it("is ended with its check, also when the controller was not there to see that", async () => {
    const life = await underWay(judgedBy({ afterMs: 3_000_000 }));
    await life.pass(10_000);
    expect(await jobsOf(life)).toHaveLength(1);
    await life.stopController();
    const checks = [oneCheck];
    await life.patchCanary({ analysis: { checks } });
    await life.restart();
    await life.pass(2_000);
    expect(await jobsOf(life)).toEqual([]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.status().runningJobs).toBeUndefined();
  });

  it("is refused when a Service would send requests to its pod", async () => {
    const life = await adopted(judgedBy({}));
    const checks = judgedBy({ labels: { app: "web-primary" } }).spec;
    await life.kube.mergePatch(kinds.canary, { namespace: NAMESPACE, name: "web" }, { spec: checks });
    await life.pass(1_000);
    expect(conditionOf(life, "Stalled")).toMatchObject({
      reason: "InvalidJob",
      message: expect.stringMatching(/^check smoke: Service \S+ would send requests to its pod/) as string,
    });
  });

  it("runs once for each step, wherever the controller crashes", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options: {
          ...judgedBy({}),
          spec: { ...judgedBy({}).spec, ...withSteps([{ weight: 10, hold: "10s" }]) },
        },
        before: (life) => life.until("adoption", ({ phase }) => phase === "Idle"),
        happens: (life) => life.release("2"),
        ends: (life) => life.status().phase === "Succeeded",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });
});

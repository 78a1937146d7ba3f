import { describe, expect, it } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import type { CheckStatus } from "../../src/api/status.ts";
import type { JobView } from "../../src/decide/types.ts";
import { judgeJob } from "../../src/decide/checks/job.ts";
import type { FreshReads } from "../../src/kube/fresh.ts";
import type { Kube } from "../../src/kube/port.ts";
import { JOB_FOR } from "../../src/lib/names.ts";
import { jobsOf } from "../../src/observe/jobs.ts";
import { createPodTroubles } from "../../src/observe/podTrouble.ts";

/** What Kubernetes writes into a Job and its pods, look by look, and what the check says at the end. */

const START = Date.parse("2026-01-01T00:00:00Z");
const check = {
  name: "smoke",
  mode: "Gate",
  job: { deadline: "10m", retries: 0, template: { spec: { containers: [{ name: "test", image: "x" }] } } },
};
const canary = {
  apiVersion: "aviary.dev/v1beta1",
  kind: "Canary",
  metadata: { name: "web", namespace: "shop", uid: "u" },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    strategy: { canary: { steps: [{ weight: 10, hold: "1m" }] } },
    analysis: { interval: "10s", checks: [check] },
  },
  status: {
    rollout: {
      revision: "r2",
      startedAt: "2026-01-01T00:00:00Z",
      step: 0,
      effectiveSince: "2026-01-01T00:00:00Z",
      weight: 10,
    },
  },
} as unknown as Canary;

interface Look {
  readonly suspend?: boolean;
  readonly status?: object;
  readonly pods?: readonly object[];
}

async function view({ suspend, status, pods = [] }: Look, now: number, isMade = true): Promise<JobView | undefined> {
  const name = isMade ? ((await view({}, now, false))?.name ?? "") : "";
  const metadata = {
    name,
    namespace: "shop",
    labels: { [JOB_FOR]: "web" },
    creationTimestamp: new Date(START).toISOString(),
  };
  const job = { apiVersion: "batch/v1", kind: "Job", metadata, spec: { suspend, template: {} }, status };
  const list = () => Promise.resolve({ items: pods });
  const podTroubles = createPodTroubles({ kube: { list } as unknown as Kube, clock: { now: () => now } as never });
  const reads = { related: () => (isMade ? [job] : []) } as unknown as FreshReads;
  const { jobs } = await jobsOf({ reads, podTroubles, now, signal: new AbortController().signal }, canary);
  return jobs["smoke"];
}

/** A look every minute. */
async function verdictAfter(looks: readonly Look[]): Promise<CheckStatus> {
  const never = { verdict: "Undecided", message: "not asked yet", readings: 0, failures: 0, consecutiveFailures: 0 };
  let status: CheckStatus = { name: "smoke", ...never, verdict: "Undecided" };
  for (const [at, look] of looks.entries()) {
    const now = START + (at + 1) * 60_000;
    status = judgeJob(status, await view(look, now), { now, since: START });
  }
  return status;
}

const is = (type: string, reason?: string, message?: string) => ({ type, status: "True", reason, message });
const pod = (state: object, more: object = {}): object => ({
  metadata: { name: "smoke-x" },
  status: { phase: "Pending", containerStatuses: [{ name: "test", ready: false, restartCount: 0, state, ...more }] },
});
const unpulled = pod({ waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } });
const lateAfter = (failed: number) => ({
  failed,
  conditions: [is("Failed", "DeadlineExceeded", "Job was active longer")],
});
const crashing = pod(
  { waiting: { reason: "CrashLoopBackOff" } },
  { lastState: { terminated: { exitCode: 1, reason: "Error" } } },
);

interface Row {
  readonly what: string;
  readonly looks: readonly Look[];
  readonly verdict: CheckStatus["verdict"];
  readonly says: RegExp;
}

const rows: readonly Row[] = [
  { what: "complete", looks: [{ status: { conditions: [is("Complete")] } }], verdict: "Pass", says: /succeeded/ },
  {
    what: "complete but for pods that are going, since 1.31",
    looks: [{ status: { active: 1, conditions: [is("SuccessCriteriaMet", "CompletionsReached")] } }],
    verdict: "Pass",
    says: /succeeded/,
  },
  {
    what: "failed, after its retries",
    looks: [
      {
        status: {
          failed: 1,
          conditions: [is("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")],
        },
        pods: [pod({ terminated: { exitCode: 3, reason: "Error" } })],
      },
    ],
    verdict: "Fail",
    says: /backoff limit; pod smoke-x: container test Error, exit code 3/,
  },
  {
    what: "failed, with a pod on a lost node that never goes",
    looks: [{ status: { active: 1, failed: 1, conditions: [is("FailureTarget", "BackoffLimitExceeded", "reached")] } }],
    verdict: "Fail",
    says: /failed: reached/,
  },
  {
    what: "past its deadline while it ran",
    looks: [{ status: { active: 1 }, pods: [pod({ running: {} })] }, { status: lateAfter(1) }],
    verdict: "Fail",
    says: /longer than its deadline/,
  },
  {
    what: "no image until the deadline",
    looks: [{ status: { active: 1 }, pods: [unpulled] }, { status: lateAfter(1) }],
    verdict: "Error",
    says: /does not start: pod smoke-x: container test ImagePullBackOff/,
  },
  {
    what: "no node until the deadline",
    looks: [
      {
        status: { active: 1 },
        pods: [
          {
            metadata: { name: "smoke-x" },
            status: {
              phase: "Pending",
              conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" }],
            },
          },
        ],
      },
      { status: lateAfter(1) },
    ],
    verdict: "Error",
    says: /Unschedulable: 0\/3 nodes/,
  },
  {
    what: "pods that a quota refuses, until the deadline",
    looks: [{ status: { startTime: "2026-01-01T00:00:00Z" } }, { status: lateAfter(0) }],
    verdict: "Error",
    says: /does not start: it gets no pod; a quota/,
  },
  {
    what: "pods that a quota refuses, while nobody looked",
    looks: [{ status: lateAfter(0) }],
    verdict: "Error",
    says: /did not start: it got no pod/,
  },
  {
    what: "suspended, as a queue of Jobs does: its deadline stands still",
    looks: [{ suspend: true, status: { conditions: [is("Suspended", "JobSuspended")] } }],
    verdict: "Error",
    says: /does not start: it is suspended/,
  },
  {
    what: "resumed",
    looks: [{ suspend: true }, { status: { active: 1 }, pods: [pod({ running: {} })] }],
    verdict: "Undecided",
    says: /is running/,
  },
  {
    what: "a first try that failed and a second that runs",
    looks: [
      {
        status: { active: 1, failed: 1 },
        pods: [pod({ terminated: { exitCode: 1, reason: "Error" } }), pod({ waiting: { reason: "ErrImagePull" } })],
      },
    ],
    verdict: "Undecided",
    says: /is running/,
  },
  {
    what: "a container that fails again and again, until the deadline",
    looks: [{ status: { active: 1 }, pods: [crashing] }, { status: lateAfter(1) }],
    verdict: "Fail",
    says: /longer than its deadline/,
  },
];

describe("a Job as Kubernetes tells of it", () => {
  it.each(rows)("$what: $verdict", async ({ looks, verdict, says }) => {
    expect(await verdictAfter(looks)).toMatchObject({ verdict, message: expect.stringMatching(says) as string });
  });

  it("is made so that a drained node is no failure, where Kubernetes lets that be said", async () => {
    const made = await view({}, START, false);
    expect(made?.manifest).toMatchObject({
      spec: { podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }] } },
    });
  });
});

import { isDeepStrictEqual } from "node:util";
import type { Job } from "../../kube/jobObjects.ts";
import { conditionOf, isTerminating, type Pod } from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { kubeTime } from "../kinds.ts";
import { nameSuffix } from "../random.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { createLoop } from "./loop.ts";
import { ownedBy, ownerKey } from "./owners.ts";
import { podFrom } from "./podFrom.ts";
import { NODE_NAME } from "./podStatus.ts";
import { createView, type View } from "./view.ts";

/** Runs one pod for each Job, and another one for each retry, until one succeeds or the deadline is over. */
export function startJobs(context: ControllerContext): Controller {
  const jobs = createView<Job>(kinds.job, context);
  const pods = createView<Pod>(kinds.pod, context);
  const reconcile = async (key: string): Promise<number | undefined> => {
    const job = jobs.get(key);
    if (job === undefined || isTerminating(job) || job.status?.conditions !== undefined) return undefined;
    const own = pods.list(job.metadata.namespace).filter((pod) => ownedBy(pod, job));
    const { status, deadlineMs, wantsPod } = jobStatus(job, own, context.clock.now());
    if (status.conditions !== undefined) await endPods(own, pods, status);
    else if (wantsPod) await pods.create(newPod(job, context));
    if (!isDeepStrictEqual(job.status, status)) await jobs.patch(job, { status }, "status");
    return deadlineMs;
  };
  const loop = createLoop({ ...context, name: "job", reconcile });
  jobs.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  pods.onChange(({ before, after }) => {
    const owner = ownerKey(after ?? before, "Job");
    if (owner !== undefined) loop.add(owner);
  });
  return loop;
}

/** A Job that ran out of time takes its pod with it; pods that have ended stay for their logs. */
async function endPods(own: readonly Pod[], pods: View<Pod>, status: NonNullable<Job["status"]>): Promise<void> {
  if (status.conditions?.[0]?.reason !== "DeadlineExceeded") return;
  for (const pod of own) if (!isTerminating(pod)) await pods.remove(pod);
}

function newPod(job: Job, { random }: ControllerContext): Pod {
  const name = `${job.metadata.name}-${nameSuffix(random)}`;
  return podFrom(job, { name, template: job.spec.template, spec: { nodeName: NODE_NAME } });
}

/** What a Job says of itself, in how many milliseconds its deadline is over, and whether it needs a pod. Pure. */
export function jobStatus(job: Job, pods: readonly Pod[], nowMs: number) {
  const startTime = job.status?.startTime ?? kubeTime(nowMs);
  const count = (phase: string) => pods.filter(({ status }) => status?.phase === phase).length;
  const [succeeded, ended] = [count("Succeeded"), count("Failed")];
  const disrupted = pods.filter((pod) => isIgnored(job, pod)).length;
  const active = pods.length - succeeded - ended;
  const failed = ended - disrupted;
  const deadline = job.spec.activeDeadlineSeconds;
  const leftMs = deadline === undefined ? undefined : Date.parse(startTime) + deadline * 1_000 - nowMs;
  const end = endOf({ succeeded, failed, backoffLimit: job.spec.backoffLimit ?? 6, leftMs });
  const conditions =
    end === undefined ? undefined : [{ ...end, status: "True" as const, lastTransitionTime: kubeTime(nowMs) }];
  const status: NonNullable<Job["status"]> = {
    startTime,
    active: conditions === undefined ? active : 0,
    succeeded,
    // What a deadline ends has failed.
    failed: end?.reason === "DeadlineExceeded" ? failed + active : failed,
    ...(end?.type === "Complete" ? { completionTime: kubeTime(nowMs) } : {}),
    ...(conditions === undefined ? {} : { conditions }),
  };
  return { status, deadlineMs: conditions === undefined ? leftMs : undefined, wantsPod: active === 0 };
}

/** What the policy of a Job says of a pod that failed. */
function isIgnored({ spec }: Job, { status }: Pod): boolean {
  if (status?.phase !== "Failed") return false;
  const types = spec.podFailurePolicy?.rules.flatMap(({ onPodConditions }) => onPodConditions.map(({ type }) => type));
  return types?.some((type) => conditionOf(status.conditions, type)?.status === "True") === true;
}

interface Counts {
  readonly succeeded: number;
  readonly failed: number;
  readonly backoffLimit: number;
  readonly leftMs: number | undefined;
}

function endOf({ succeeded, failed, backoffLimit, leftMs }: Counts) {
  if (succeeded > 0)
    return { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of pods" };
  if (failed > backoffLimit) {
    return { type: "Failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  if (leftMs === undefined || leftMs > 0) return undefined;
  return { type: "Failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
}

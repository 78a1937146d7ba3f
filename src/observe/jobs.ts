import type { Canary } from "../api/canary.ts";
import type { JobCheck } from "../api/checks/job.ts";
import type { RolloutMemory } from "../api/status.ts";
import { stepsOf, isAsked } from "../decide/strategy.ts";
import type { JobView, Problem } from "../decide/types.ts";
import type { FreshReads } from "../kube/fresh.ts";
import type { Job } from "../kube/jobObjects.ts";
import { kinds } from "../kube/kinds.ts";
import { conditionOf } from "../kube/objects.ts";
import type { PodTemplateSpec } from "../kube/objects.ts";
import type { ResourceKind } from "../kube/port.ts";
import { fingerprint } from "../lib/fingerprint.ts";
import { asLabel } from "../lib/labels.ts";
import { JOB_FOR, JOB_NAME, MANAGED_BY, namesOf } from "../lib/names.ts";
import { parseDuration } from "../lib/time.ts";
import type { PodTroubles } from "./podTrouble.ts";
import { fillIn } from "./query.ts";
import { servicesSelecting } from "./services.ts";

/** Jobs are watched as soon as a Canary asks for one, and while any runs that it has asked for. */
export function jobKindsOf(canary: Canary): readonly ResourceKind[] {
  return jobChecks(canary).length === 0 && canary.status?.runningJobs !== true ? [] : [kinds.job];
}

function jobChecks({ spec }: Canary): readonly JobCheck[] {
  return spec.analysis.checks.filter((check) => "job" in check);
}

export interface Jobs {
  /** By check: those that the current step asks for. */
  readonly jobs: Readonly<Record<string, JobView>>;
  /** Jobs of this Canary that run on and that nobody asks for any more. */
  readonly strayJobs: readonly Job[];
}

interface JobOptions {
  readonly reads: FreshReads;
  readonly podTroubles: PodTroubles;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** How long a pod may take to start before anybody asks why, in milliseconds. */
const ASK_PODS_AFTER_MS = 3_000;

/** Reads the Jobs of a Canary; asks pods only for why one does not start, or has failed. */
export async function jobsOf(options: JobOptions, canary: Canary): Promise<Jobs> {
  if (jobKindsOf(canary).length === 0) return { jobs: {}, strayJobs: [] };
  const names = namesOf(canary);
  const ours = options.reads.related<Job>(kinds.job, { namespace: names.namespace, name: asLabel(names.canary) });
  const jobs: Record<string, JobView> = {};
  for (const check of askedOf(canary)) {
    const manifest = jobFor(canary, check);
    if (manifest === undefined) continue;
    const job = ours.find(({ metadata }) => metadata.name === manifest.metadata.name);
    jobs[check.name] = { name: manifest.metadata.name, manifest, ...(await stateOf(options, job)) };
  }
  const wanted = new Set(Object.values(jobs).map(({ name }) => name));
  const strayJobs = ours.filter((job) => !wanted.has(job.metadata.name) && endOf(job) === undefined);
  return { jobs, strayJobs };
}

function askedOf(canary: Canary): readonly JobCheck[] {
  const rollout = canary.status?.rollout;
  if (rollout?.effectiveSince === undefined || rollout.withdrawal !== undefined) return [];
  if (rollout.promoting === true || rollout.unjudged === true) return [];
  const steps = stepsOf(canary.spec.strategy);
  return jobChecks(canary).filter((check) => isAsked(steps, rollout, check));
}

type State = Pick<JobView, "state" | "reason" | "late" | "podless">;

async function stateOf(options: JobOptions, job: Job | undefined): Promise<State> {
  if (job === undefined) return { state: "Absent" };
  const end = endOf(job);
  if (end === undefined) {
    const reason = await whyNotStarted(options, job);
    return { state: "Running", ...(reason === undefined ? {} : { reason }) };
  }
  if (end.succeeded) return { state: "Succeeded" };
  const trouble = await options.podTroubles.of(withPods(job), options.signal, "end");
  const late = end.reason === "DeadlineExceeded";
  const why = late ? "it took longer than its deadline" : (end.message ?? "it failed");
  return { state: "Failed", late, podless: isPodless(job), reason: trouble === undefined ? why : `${why}; ${trouble}` };
}

/** Why a Job that has not ended runs nothing; undefined when it does, or may yet. */
async function whyNotStarted({ podTroubles, now, signal }: JobOptions, job: Job): Promise<string | undefined> {
  // While it is suspended its deadline stands still.
  if (job.spec.suspend === true) return "it is suspended; set its spec.suspend to false";
  if (now - Date.parse(job.metadata.creationTimestamp ?? "") < ASK_PODS_AFTER_MS) return undefined;
  if (isPodless(job)) return "it gets no pod; a quota or an admission policy may refuse it, its events say more";
  return podTroubles.of(withPods(job), signal, "start");
}

/** The Job's controller counts a pod that a deadline has ended as failed, so that 0 is: there was none. */
function isPodless({ status }: Job): boolean {
  return (status?.active ?? 0) + (status?.succeeded ?? 0) + (status?.failed ?? 0) === 0;
}

function withPods(job: Job) {
  return { ...job, spec: { ...job.spec, selector: { matchLabels: { [JOB_NAME]: job.metadata.name } } } };
}

/**
 * How a Job has ended, or will when its last pods are gone, which may be never on a node that is lost. Undefined while
 * it runs. Source: Kubernetes, "Jobs", "Job termination and cleanup".
 */
function endOf({ status }: Job) {
  for (const type of ["Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"]) {
    const condition = conditionOf(status?.conditions, type);
    if (condition?.status !== "True") continue;
    return { ...condition, succeeded: type === "Complete" || type === "SuccessCriteriaMet" };
  }
  return undefined;
}

/** An hour is for people to read its log; the cluster deletes it then. */
const TTL_SECONDS = 3_600;
const MAX_NAME = 63;

/** A pod that a drained node or a preemption has ended is replaced: it says nothing about the canary. */
const DISRUPTIONS_DO_NOT_COUNT: NonNullable<Job["spec"]["podFailurePolicy"]> = {
  rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
};

/** One name for each revision, attempt and step of a Canary, so that whoever looks again after a crash finds the same Job. */
function jobName(canary: Canary, check: JobCheck, rollout: RolloutMemory): string {
  const { name } = canary.metadata;
  const mark = fingerprint([name, rollout.revision, rollout.startedAt, rollout.step, check.name].join(" "));
  const start = `${name}-${check.name}`.slice(0, MAX_NAME - mark.length - 1);
  return `${start.replace(/[.-]+$/, "")}-${mark}`;
}

function jobFor(canary: Canary, check: JobCheck): Job | undefined {
  const { rollout } = canary.status ?? {};
  const filled = filledTemplate(canary, check);
  if (rollout === undefined || !filled.ok) return undefined;
  const { template } = filled;
  const { canary: name, namespace } = namesOf(canary);
  const { deadline, retries } = check.job;
  const jobLabels = { [JOB_FOR]: asLabel(name) };
  const own = jobName(canary, check, rollout);
  const spec = { restartPolicy: "Never", ...template.spec };
  const { uid } = canary.metadata;
  const owner = { apiVersion: canary.apiVersion, kind: canary.kind, name: canary.metadata.name, uid: uid ?? "" };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: own,
      namespace,
      labels: { ...MANAGED_BY, ...jobLabels },
      // It serves nobody, so it may go with its Canary.
      ...(uid === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: {
      backoffLimit: retries,
      activeDeadlineSeconds: Math.ceil(parseDuration(deadline) / 1_000),
      ttlSecondsAfterFinished: TTL_SECONDS,
      ...(spec.restartPolicy === "Never" ? { podFailurePolicy: DISRUPTIONS_DO_NOT_COUNT } : {}),
      template: {
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...jobLabels, [JOB_NAME]: own } },
        spec,
      },
    },
  };
}

type Filled =
  { readonly ok: true; readonly template: PodTemplateSpec } | { readonly ok: false; readonly message: string };

/** The template with the names of the canary in its texts. */
function filledTemplate(canary: Canary, { job }: JobCheck): Filled {
  let wrong: string | undefined;
  const fill = (value: unknown): unknown => {
    if (typeof value === "string") {
      const filled = fillIn(canary, value);
      if (filled.ok) return filled.query;
      wrong ??= filled.message.replace(/^the query/, "the template");
      return value;
    }
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fill(entry)]));
  };
  const template = fill(job.template) as PodTemplateSpec;
  return wrong === undefined ? { ok: true, template } : { ok: false, message: wrong };
}

/** What is wrong with a Job before it runs: names that nobody knows, or labels by which its pod would get requests. */
export function jobProblem(canary: Canary, reads: FreshReads): Problem | undefined {
  for (const check of jobChecks(canary)) {
    const filled = filledTemplate(canary, check);
    if (!filled.ok) return invalid(check, filled.message, "correct it");
    const labels = filled.template.metadata?.labels ?? {};
    const [service] = servicesSelecting(reads, namesOf(canary).namespace, labels);
    if (service !== undefined) {
      const name = service.metadata.name;
      return invalid(check, `Service ${name} would send requests to its pod`, "give the pod other labels, or none");
    }
  }
  return undefined;
}

function invalid({ name }: JobCheck, message: string, hint: string): Problem {
  return {
    reason: "InvalidJob",
    message: `check ${name}: ${message}`,
    hint: `${hint} in spec.analysis.checks[${name}].job.template`,
    blocksTraffic: false,
  };
}

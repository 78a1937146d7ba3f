import { conditionOf, type Condition, type Deployment, type DeploymentStatus } from "../../kube/objects.ts";
import { kubeTime, type ReplicaSet } from "../kinds.ts";
import { allSets, boundsOf, wantedOf, type Sets } from "./rollout.ts";

/** A Deployment's condition, which knows one more time than `metav1.Condition`. */
interface DeploymentCondition extends Condition {
  readonly lastUpdateTime?: string;
}

type Status = DeploymentStatus & { readonly conditions: readonly DeploymentCondition[] };

export interface StatusInput {
  readonly deployment: Deployment;
  readonly sets: Sets;
  readonly nowMs: number;
}

/** A status, and in how many milliseconds the progress deadline would change it. */
export interface StatusOutcome {
  readonly status: Status;
  readonly deadlineInMs: number | undefined;
}

const DEFAULT_DEADLINE_SECONDS = 600;

const total = (sets: readonly ReplicaSet[], count: "replicas" | "readyReplicas" | "availableReplicas"): number =>
  sets.reduce((sum, set) => sum + (set.status?.[count] ?? 0), 0);

/** What the status of a Deployment should say. Pure. */
export function deploymentStatus(input: StatusInput): StatusOutcome {
  const { deployment, sets } = input;
  const all = allSets(sets);
  const counts = {
    replicas: total(all, "replicas"),
    updatedReplicas: sets.current === undefined ? 0 : (sets.current.status?.replicas ?? 0),
    readyReplicas: total(all, "readyReplicas"),
    availableReplicas: total(all, "availableReplicas"),
  };
  const unavailableReplicas = Math.max(0, counts.replicas - counts.availableReplicas);
  const next = { ...counts, unavailableReplicas };
  const progress = progressing(input, next);
  const fresh = [available(input, counts.availableReplicas), progress.condition];
  const known = deployment.status?.conditions ?? [];
  const others = known.filter(({ type }) => !fresh.some((condition) => condition.type === type));
  const { generation } = deployment.metadata;
  return {
    status: {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...next,
      conditions: [...others, ...fresh],
    },
    deadlineInMs: progress.deadlineInMs,
  };
}

function available({ deployment, nowMs }: StatusInput, ready: number): DeploymentCondition {
  const enough = ready >= wantedOf(deployment) - boundsOf(deployment).maxUnavailable;
  return settle(deployment, nowMs, {
    type: "Available",
    status: enough ? "True" : "False",
    reason: enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
    message: `Deployment ${enough ? "has" : "does not have"} minimum availability.`,
  });
}

type Counts = Omit<DeploymentStatus, "conditions" | "observedGeneration">;

function progressing(
  input: StatusInput,
  next: Counts,
): { condition: DeploymentCondition; deadlineInMs: number | undefined } {
  const { deployment, sets, nowMs } = input;
  const before = conditionOf(deployment.status?.conditions, "Progressing") as DeploymentCondition | undefined;
  const name = sets.current?.metadata.name ?? deployment.metadata.name;
  const say = (status: Condition["status"], reason: string, message: string): DeploymentCondition =>
    settle(deployment, nowMs, { type: "Progressing", status, reason, message });

  if (isComplete(deployment, next)) {
    const message = `ReplicaSet "${name}" has successfully progressed.`;
    return { condition: say("True", "NewReplicaSetAvailable", message), deadlineInMs: undefined };
  }
  if (deployment.spec.paused === true) {
    return { condition: say("Unknown", "DeploymentPaused", "Deployment is paused"), deadlineInMs: undefined };
  }
  const limitMs = (deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS) * 1_000;
  const rolling = before !== undefined && before.status === "True" && before.reason !== "NewReplicaSetAvailable";
  const moved = !rolling || hasProgressed(deployment.status ?? {}, next) || isNewGeneration(deployment);
  if (before?.reason === "ProgressDeadlineExceeded" && !isNewGeneration(deployment)) {
    if (!hasProgressed(deployment.status ?? {}, next)) return { condition: before, deadlineInMs: undefined };
  }
  const sinceMs = moved ? nowMs : Date.parse(before.lastUpdateTime ?? kubeTime(nowMs));
  const deadlineInMs = sinceMs + limitMs - nowMs;
  if (deadlineInMs <= 0) {
    const message = `ReplicaSet "${name}" has timed out progressing.`;
    return { condition: say("False", "ProgressDeadlineExceeded", message), deadlineInMs: undefined };
  }
  const updated = say("True", "ReplicaSetUpdated", `ReplicaSet "${name}" is progressing.`);
  return { condition: { ...updated, lastUpdateTime: kubeTime(sinceMs) }, deadlineInMs };
}

function isNewGeneration({ metadata, status }: Deployment): boolean {
  return metadata.generation !== status?.observedGeneration;
}

/** Everything runs the current template, is available, and nothing of the old is left. */
function isComplete(deployment: Deployment, next: Counts): boolean {
  const wanted = wantedOf(deployment);
  return next.updatedReplicas === wanted && next.replicas === wanted && next.availableReplicas === wanted;
}

function hasProgressed(before: Counts, after: Counts): boolean {
  const old = (counts: Counts): number => (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0);
  const grew = (count: "updatedReplicas" | "readyReplicas" | "availableReplicas"): boolean =>
    (after[count] ?? 0) > (before[count] ?? 0);
  return grew("updatedReplicas") || grew("readyReplicas") || grew("availableReplicas") || old(after) < old(before);
}

/** Keeps the times of a condition that says nothing new. */
function settle(deployment: Deployment, nowMs: number, condition: DeploymentCondition): DeploymentCondition {
  const before = conditionOf(deployment.status?.conditions, condition.type) as DeploymentCondition | undefined;
  const now = kubeTime(nowMs);
  const same = before?.status === condition.status && before.reason === condition.reason;
  return {
    ...condition,
    lastUpdateTime: same ? (before.lastUpdateTime ?? now) : now,
    lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? now) : now,
  };
}

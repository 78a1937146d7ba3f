import type { Canary } from "../api/canary.ts";
import type { Autoscaler, Problem } from "../decide/types.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { HorizontalPodAutoscaler, ScaledObject, ScaleTargetRef } from "../kube/objects.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";
import { isOurs, namesOf } from "../lib/names.ts";
import type { Names } from "../lib/names.ts";
import { compareCompanions } from "./companions.ts";
import type { Companions, CompanionPlan } from "./companions.ts";

/** The target's autoscaler, and its copy for the primary. */
export interface AutoscalerScene {
  readonly source: { readonly kind: ResourceKind; readonly object: KubeObject } | undefined;
  readonly view: Autoscaler | undefined;
  readonly problem: Problem | undefined;
  readonly copies: Companions;
}

type Scaler =
  | { readonly kind: "HorizontalPodAutoscaler"; readonly object: HorizontalPodAutoscaler }
  | { readonly kind: "ScaledObject"; readonly object: ScaledObject };

/** KEDA leaves a ScaledObject alone that has it. `paused-replicas`, its other one, is for people. */
export const PAUSED = "autoscaling.keda.sh/paused";

/**
 * Whether KEDA has to do with a canary: somebody says so, or it made an autoscaler for the target. Its kind is optional,
 * so it is not even asked for elsewhere.
 */
function usesKeda(reads: FreshReads, canary: Canary): boolean {
  const { namespace, target, primary } = namesOf(canary);
  if (canary.spec.autoscalerRef !== undefined) return canary.spec.autoscalerRef.kind === "ScaledObject";
  if (canary.status?.autoscaler?.kind === "ScaledObject") return true;
  return [target, primary].some((name) =>
    reads.related<KubeObject>(kinds.horizontalPodAutoscaler, { namespace, name }).some(isKedas),
  );
}

/** Kinds that a canary's objects may be of, and that not every cluster has. */
export function optionalKinds(reads: FreshReads, canary: Canary): readonly ResourceKind[] {
  return usesKeda(reads, canary) ? [kinds.scaledObject] : [];
}

/** KEDA works by autoscalers of its own, which are not the user's. */
export function isKedas({ metadata }: KubeObject): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === "ScaledObject") === true;
}

/** The autoscaler that `spec.autoscalerRef` names, else the one that scales the target. */
export function autoscalerOf(reads: FreshReads, canary: Canary): AutoscalerScene {
  const names = namesOf(canary);
  const keda = usesKeda(reads, canary);
  const found = find(reads, canary, keda);
  const problem = "reason" in found ? found : undefined;
  const scaler = "reason" in found ? undefined : found.scaler;
  const among = keda ? [kinds.horizontalPodAutoscaler, kinds.scaledObject] : [kinds.horizontalPodAutoscaler];
  // The copy of an autoscaler that cannot be read is left as it is.
  const plans = scaler === undefined ? [] : [planFor(scaler, names, canary.status?.autoscaler?.floor)];
  const copies = compareCompanions(reads, names, { kinds: among, plans });
  return {
    source: scaler === undefined ? undefined : { kind: kindNamed(scaler.kind), object: scaler.object },
    view: scaler === undefined ? undefined : viewOf(scaler),
    problem,
    copies: problem === undefined ? copies : { ...copies, wanted: [], stale: [] },
  };
}

function kindNamed(kind: Scaler["kind"]): ResourceKind {
  return kind === "ScaledObject" ? kinds.scaledObject : kinds.horizontalPodAutoscaler;
}

type Found = Problem | { readonly scaler: Scaler | undefined };

function find(reads: FreshReads, canary: Canary, keda: boolean): Found {
  const { namespace, target: name } = namesOf(canary);
  const target = { kind: canary.spec.targetRef.kind, name };
  const asked = canary.spec.autoscalerRef;
  if (asked !== undefined) {
    const object = reads.get<KubeObject>(kindNamed(asked.kind), { namespace, name: asked.name });
    if (object === undefined) return notFound(asked);
    return fits({ kind: asked.kind, object } as Scaler, target);
  }
  const ref = { namespace, name };
  const hpas = reads
    .related<HorizontalPodAutoscaler>(kinds.horizontalPodAutoscaler, ref)
    .filter((object) => !isKedas(object))
    .map((object) => ({ kind: "HorizontalPodAutoscaler", object }) as const);
  const scaledObjects = keda
    ? reads.related<ScaledObject>(kinds.scaledObject, ref).map((object) => ({ kind: "ScaledObject", object }) as const)
    : [];
  const all: readonly Scaler[] = [...scaledObjects, ...hpas].filter(
    ({ object }) => !isOurs(object) && scales(object.spec.scaleTargetRef, target),
  );
  const [only, second] = all;
  if (second !== undefined) return ambiguous(target, all);
  return only === undefined ? { scaler: undefined } : fits(only, target);
}

interface Target {
  readonly kind: string;
  readonly name: string;
}

function scales({ apiVersion = "apps/v1", kind = "Deployment", name }: ScaleTargetRef, target: Target): boolean {
  return kind === target.kind && apiVersion.startsWith("apps/") && name === target.name;
}

function fits(scaler: Scaler, target: Target): Found {
  const { kind, object } = scaler;
  const { name } = object.metadata;
  const ref = object.spec.scaleTargetRef;
  if (!scales(ref, target)) {
    return conflict(
      `${kind} ${name} scales ${ref.kind ?? "Deployment"} ${ref.name}, not ${target.kind} ${target.name}`,
      "name the one that scales the target in spec.autoscalerRef, or leave that out",
    );
  }
  if (kind === "HorizontalPodAutoscaler" && object.spec.minReplicas === 0) {
    return conflict(
      `HorizontalPodAutoscaler ${name} has minReplicas 0, so it would scale the target up while nothing is rolled out`,
      "set minReplicas to 1 or more, or let KEDA scale to 0",
    );
  }
  return { scaler };
}

function notFound({ kind, name }: { readonly kind: string; readonly name: string }): Problem {
  return {
    reason: "AutoscalerNotFound",
    message: `${kind} ${name}, which spec.autoscalerRef names, does not exist`,
    hint: "create it, or correct spec.autoscalerRef",
    blocksTraffic: false,
  };
}

function ambiguous(target: Target, all: readonly Scaler[]): Problem {
  const listed = all.map(({ kind, object }) => `${kind} ${object.metadata.name}`).join(" and ");
  return conflict(
    `${listed} all scale ${target.kind} ${target.name}`,
    "delete all but one: they work against each other",
  );
}

function conflict(message: string, hint: string): Problem {
  return { reason: "AutoscalerConflict", message, hint, blocksTraffic: false };
}

const KEDA_MAX = 100;

function viewOf(scaler: Scaler): Autoscaler {
  const { kind, object } = scaler;
  const { name } = object.metadata;
  switch (kind) {
    case "HorizontalPodAutoscaler":
      return { kind, name, min: object.spec.minReplicas ?? 1, max: object.spec.maxReplicas };
    case "ScaledObject": {
      const { minReplicaCount = 0, idleReplicaCount, maxReplicaCount = KEDA_MAX } = object.spec;
      const paused = object.metadata.annotations?.[PAUSED] === "true";
      return {
        kind,
        name,
        min: Math.min(minReplicaCount, idleReplicaCount ?? minReplicaCount),
        max: maxReplicaCount,
        paused,
      };
    }
  }
}

/** The same for the primary. `floor`: replicas that it must not go below, as far as its maximum allows. */
function planFor(scaler: Scaler, names: Names, floor: number | undefined): CompanionPlan {
  const { kind, object } = scaler;
  const name = `${object.metadata.name}-primary`;
  const scaleTargetRef = { ...object.spec.scaleTargetRef, name: names.primary };
  const pinned = (min: number, max: number): number => Math.min(Math.max(min, floor ?? 0), max);
  switch (kind) {
    case "HorizontalPodAutoscaler": {
      const { minReplicas = 1, maxReplicas } = object.spec;
      const spec = { ...object.spec, scaleTargetRef, minReplicas: pinned(minReplicas, maxReplicas) };
      return { kind: kinds.horizontalPodAutoscaler, source: object, name, spec };
    }
    case "ScaledObject": {
      const { idleReplicaCount, advanced, minReplicaCount = 0, maxReplicaCount = KEDA_MAX, ...rest } = object.spec;
      // Below its floor it must not go for want of work either.
      const idle = idleReplicaCount === undefined || floor !== undefined ? {} : { idleReplicaCount };
      const min = pinned(minReplicaCount, maxReplicaCount);
      const spec = {
        ...rest,
        ...idle,
        ...(advanced === undefined ? {} : { advanced: renamed(advanced) }),
        scaleTargetRef,
        minReplicaCount: min,
        maxReplicaCount,
      };
      return { kind: kinds.scaledObject, source: object, name, spec };
    }
  }
}

/** Two ScaledObjects cannot have one name for the autoscalers that KEDA makes of them. */
function renamed(advanced: NonNullable<ScaledObject["spec"]["advanced"]>): object {
  const { horizontalPodAutoscalerConfig: config, ...rest } = advanced;
  if (config?.name === undefined) return advanced;
  return { ...rest, horizontalPodAutoscalerConfig: { ...config, name: `${config.name}-primary` } };
}

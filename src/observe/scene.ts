import type { Canary } from "../api/canary.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { demandOf } from "../decide/strategy.ts";
import { kinds } from "../kube/kinds.ts";
import type { ServicePort, WorkloadObject } from "../kube/objects.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";
import { isOurs, namesOf } from "../lib/names.ts";
import type { Names } from "../lib/names.ts";
import { rememberByObject } from "../lib/remember.ts";
import { sameJson } from "../lib/json.ts";
import { routers } from "../routers/index.ts";
import { routeKey } from "../routers/router.ts";
import type { Backends, Neighbourhood, RouteInput, Router, RouteRef } from "../routers/router.ts";
import { workloadNamed } from "../workloads/index.ts";
import type { WorkloadKind } from "../workloads/workload.ts";
import { autoscalerOf } from "./autoscaler.ts";
import type { AutoscalerScene } from "./autoscaler.ts";
import type { Companions } from "./companions.ts";
import type { ConfigurationView } from "./configuration.ts";
import { guardsOf } from "./guards.ts";
import { primaryLabelOf } from "./label.ts";
import type { PrimaryLabel } from "./label.ts";
import { portsOf } from "./ports.ts";
import { serviceNamed } from "./services.ts";
import type { ServiceObjects } from "./services.ts";

/** The objects behind an observation, for `act`. */
export interface Scene {
  readonly canary: Canary;
  readonly names: Names;
  /** The kind of target and primary. */
  readonly workload: WorkloadKind;
  readonly target: WorkloadObject | undefined;
  readonly primary: WorkloadObject | undefined;
  /** The pods of the version before, when Aviary keeps them. */
  readonly previous: WorkloadObject | undefined;
  /** Undefined when the target has no selector to derive it from. */
  readonly label: PrimaryLabel | undefined;
  readonly autoscaler: AutoscalerScene;
  /** Copies of the target's PodDisruptionBudgets and NetworkPolicies. */
  readonly guards: Companions;
  readonly apex: ServiceObjects;
  readonly primaryService: ServiceObjects;
  readonly canaryService: ServiceObjects;
  /** Lists the pods of the version before; nobody sends traffic to it. */
  readonly previousService: ServiceObjects;
  readonly ports: readonly ServicePort[];
  readonly router: Router;
  readonly routeInput: RouteInput<unknown>;
  readonly routeRefs: readonly RouteRef[];
  /** Undefined when there is no target. */
  readonly configuration: ConfigurationView | undefined;
  /** The copies that were made for the primary, by their metadata. */
  readonly copies: readonly CopyObject[];
  /** `spec.traffic` names other routes than these, which still have the traffic. */
  readonly trafficChanged: boolean;
}

export interface CopyObject {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
}

/** Gathers the objects of a canary from the caches; nothing is asked of the API server. */
export function setScene(reads: FreshReads, canary: Canary): Omit<Scene, "configuration" | "copies"> {
  const names = namesOf(canary);
  const { namespace } = names;
  const workload = workloadNamed(canary.spec.targetRef.kind);
  const target = reads.get<WorkloadObject>(workload.kind, { namespace, name: names.target });
  const primary = reads.get<WorkloadObject>(workload.kind, { namespace, name: names.primary });
  const label = canary.status?.primaryLabel ?? primaryLabelOf(target?.spec.selector.matchLabels);
  const apex = serviceNamed(reads, namespace, names.target);
  const ports = portsOf(canary, apex.service, target);
  const { router, block, changed } = trafficUnderWay(canary);
  const backends = { ...backendsOf(names, ports[0]?.port ?? 80), primaryLabel: label };
  const routeRefs = router.refs(block, backends);
  const neighbours = router.neighbours?.(block, backends) ?? [];
  return {
    canary,
    names,
    workload,
    target,
    primary,
    previous: oursOnly(reads.get<WorkloadObject>(workload.kind, { namespace, name: names.previous })),
    label,
    autoscaler: autoscalerOf(reads, canary),
    guards: guardsOf(reads, { names, target, primary, label }),
    apex,
    primaryService: serviceNamed(reads, namespace, names.primary),
    canaryService: serviceNamed(reads, namespace, names.canaryService),
    previousService: oursAlone(serviceNamed(reads, namespace, names.previous)),
    ports,
    router,
    routeInput: {
      block,
      backends,
      objects: routeObjects(reads, router, { neighbours, backends, routeRefs }),
      demand: demandOf(canary.spec.strategy, canary.status?.rollout?.revision),
      ...(canary.status?.adopted?.weights === undefined ? {} : { found: canary.status.adopted.weights }),
    },
    routeRefs,
    trafficChanged: changed,
  };
}

/** Somebody else's object of that name is not the one that is meant; `spec.keepPreviousFor` is refused then. */
function oursOnly<T extends KubeObject>(object: T | undefined): T | undefined {
  return object !== undefined && isOurs(object) ? object : undefined;
}

function oursAlone(objects: ServiceObjects): ServiceObjects {
  return oursOnly(objects.service) === undefined ? { service: undefined, slices: [], feed: undefined } : objects;
}

/**
 * The routes that a canary's traffic is split by, whether they exist or not: those that have the traffic, and those that
 * `spec.traffic` wants to have it next.
 */
export function routeRefsOf(canary: Canary): readonly RouteRef[] {
  const backends = backendsOf(namesOf(canary), 0);
  const { router, block, changed } = trafficUnderWay(canary);
  const now = router.refs(block, backends);
  if (!changed) return now;
  const known = new Set(now.map(routeKey));
  return [...now, ...wantedRouteRefs(canary).filter((ref) => !known.has(routeKey(ref)))];
}

/** The routes that `spec.traffic` names. */
export function wantedRouteRefs(canary: Canary): readonly RouteRef[] {
  const { router, block } = canary.spec.traffic;
  return routerNamed(router).refs(block, backendsOf(namesOf(canary), 0));
}

/** The kind of a canary's target. */
export function targetKindOf(canary: Canary): ResourceKind {
  return workloadNamed(canary.spec.targetRef.kind).kind;
}

/** The kinds of which a canary's objects are, beside those that every canary has. */
export const kindsOf = rememberByObject((canary: Canary): readonly ResourceKind[] => {
  const { router, block } = canary.spec.traffic;
  const neighbours = routerNamed(router).neighbours?.(block, backendsOf(namesOf(canary), 0)) ?? [];
  return [targetKindOf(canary), ...[...routeRefsOf(canary), ...neighbours].map(({ kind }) => kind)];
});

interface TrafficUnderWay {
  readonly router: Router;
  readonly block: unknown;
  /** `spec.traffic` says something else by now. */
  readonly changed: boolean;
}

/** What has the traffic by the status; `spec.traffic` before that is known, or when no version of ours can read it. */
const trafficUnderWay = rememberByObject(({ spec, status }: Canary): TrafficUnderWay => {
  const wanted = { router: routerNamed(spec.traffic.router), block: spec.traffic.block, changed: false };
  const before = routers.find(({ name }) => name === status?.traffic?.router);
  const held = before?.schema.safeParse(status?.traffic?.block);
  if (before === undefined || held?.success !== true) return wanted;
  if (before === wanted.router && sameJson(held.data, wanted.block)) return wanted;
  return { router: before, block: held.data, changed: true };
});

function backendsOf({ namespace, target, primary, canaryService }: Names, port: number): Backends {
  return { namespace, name: target, primary, canary: canaryService, port };
}

function routerNamed(name: string): Router {
  const router = routers.find((candidate) => candidate.name === name);
  // The schema lets no other name through.
  if (router === undefined) throw new Error(`there is no router named ${name}`);
  return router;
}

function routeObjects(
  reads: FreshReads,
  router: Router,
  {
    neighbours,
    backends,
    routeRefs,
  }: {
    readonly neighbours: readonly Neighbourhood[];
    readonly backends: Backends;
    readonly routeRefs: readonly RouteRef[];
  },
): ReadonlyMap<string, KubeObject> {
  const objects = new Map<string, KubeObject>();
  for (const name of router.slicesOf?.(backends) ?? []) {
    const { namespace } = backends;
    for (const slice of reads.related<KubeObject>(kinds.endpointSlice, { namespace, name })) {
      objects.set(routeKey({ kind: kinds.endpointSlice, namespace, name: slice.metadata.name }), slice);
    }
  }
  for (const { kind, namespace } of neighbours) {
    for (const object of reads.list<KubeObject>(kind, namespace)) {
      objects.set(routeKey({ kind, namespace, name: object.metadata.name }), object);
    }
  }
  for (const ref of routeRefs) {
    const object = reads.get(ref.kind, ref);
    if (object !== undefined) objects.set(routeKey(ref), object);
  }
  return objects;
}

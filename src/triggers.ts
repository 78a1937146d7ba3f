import { companionKinds, watchCompanions } from "./companions.ts";
import { keyOf } from "./kube/informer.ts";
import type { Cache, CacheChange, Informers } from "./kube/informer.ts";
import { kindId, kinds } from "./kube/kinds.ts";
import { SERVICE_NAME_LABEL } from "./kube/objects.ts";
import type { KubeObject, ResourceKind } from "./kube/port.ts";
import type { Queue } from "./kube/queue.ts";
import { resourceKindOf } from "./kube/configuration.ts";
import { asLabel } from "./lib/labels.ts";
import { annotations, COPY_FOR, JOB_FOR, namesOf } from "./lib/names.ts";
import type { Configuration } from "./observe/configuration.ts";
import { jobKindsOf } from "./observe/jobs.ts";
import { kindsOf, routeRefsOf, targetKindOf } from "./observe/scene.ts";
import { templatesOf } from "./observe/templates.ts";
import { parseCanary } from "./reconcile.ts";

export interface TriggerOptions {
  readonly informers: Informers;
  readonly queue: Queue;
  readonly configuration: Pick<Configuration, "kinds" | "referrers">;
}

/** Which canaries look at which objects, so that a change of an object wakes just those. */
interface Watchers {
  /** By `Kind/namespace/name`. */
  readonly byObject: Map<string, Set<string>>;
  readonly objectsOf: Map<string, readonly string[]>;
}

/**
 * Starts the watches that are always needed; those of routes and of kinds of targets begin with the first canary that
 * has one.
 * Nothing is asked of the API server for a canary while nothing happens.
 */
export function watchEverything({ informers, queue, configuration }: TriggerOptions): void {
  const watchers: Watchers = { byObject: new Map(), objectsOf: new Map() };
  // These two are watched for every canary, below.
  const watched = new Set([kinds.service, kinds.endpointSlice].map(kindId));

  const wake = (id: string): void => {
    for (const key of watchers.byObject.get(id) ?? []) queue.add(key);
  };
  const watchKind = (kind: ResourceKind, nameOf: (object: KubeObject) => string | undefined): void => {
    // Managed fields stay: they say who else writes a route. Kinds that are cached already keep what they keep.
    informers.cache(kind, { keep: (object) => object });
    informers.onChange(kind, ({ before, after }) => {
      const object = after ?? before;
      const name = object === undefined ? undefined : nameOf(object);
      if (object !== undefined && name !== undefined) wake(idOf(kind, object.metadata.namespace ?? "", name));
    });
  };
  const followJobs = (): void => {
    if (watched.has(kindId(kinds.job))) return;
    watched.add(kindId(kinds.job));
    watchKind(kinds.job, ({ metadata }) => metadata.labels?.[JOB_FOR]);
  };
  const ownName = (object: KubeObject): string => object.metadata.name;

  const remember = (key: string, canary: KubeObject): void => {
    forget(watchers, key);
    const parsed = parseCanary(canary);
    if (!parsed.ok) return;
    // A template may bring a Job, which is known only when it is there.
    if (jobKindsOf(parsed.canary).length > 0 || parsed.canary.spec.analysis.templates !== undefined) followJobs();
    const names = namesOf(parsed.canary);
    if (parsed.canary.spec.autoscalerRef?.kind === "ScaledObject") companions.followKeda();
    if (parsed.canary.status?.autoscaler?.kind === "ScaledObject") companions.followKeda();
    const routeRefs = routeRefsOf(parsed.canary);
    const targetKind = targetKindOf(parsed.canary);
    informers.cache(targetKind, { keep: dropWhatNobodyReads });
    const templates = templatesOf(parsed.canary);
    for (const kind of [...kindsOf(parsed.canary), ...templates.map((template) => template.kind)]) {
      const id = kindId(kind);
      if (watched.has(id)) continue;
      watched.add(id);
      watchKind(kind, ownName);
    }
    const services = [names.target, names.primary, names.canaryService, names.previous];
    const ids = [
      ...[names.target, names.primary, names.previous].map((name) => idOf(targetKind, names.namespace, name)),
      ...services.map((name) => idOf(kinds.service, names.namespace, name)),
      ...services.map((name) => idOf(kinds.endpointSlice, names.namespace, name)),
      ...[...routeRefs, ...templates].map(({ kind, namespace, name }) => idOf(kind, namespace, name)),
      idOf(kinds.canaryAction, names.namespace, names.canary),
      idOf(kinds.job, names.namespace, asLabel(names.canary)),
      ...companionKinds.map((kind) => idOf(kind, names.namespace, names.target)),
    ];
    watchers.objectsOf.set(key, ids);
    for (const id of ids) watchers.byObject.set(id, (watchers.byObject.get(id) ?? new Set()).add(key));
  };

  startCaches(informers, { trackSecrets: configuration.kinds.includes("Secret") });
  for (const kind of configuration.kinds) {
    informers.onChange<KubeObject>(resourceKindOf(kind), ({ before, after }) => {
      const object = after ?? before;
      if (object === undefined) return;
      for (const key of configuration.referrers(kind, object.metadata)) queue.add(key);
    });
  }
  const canaries = informers.cache<KubeObject>(kinds.canary);
  const companions = watchCompanions({
    informers,
    keep: dropWhatNobodyReads,
    wake: (kind, namespace, name) => {
      wake(idOf(kind, namespace, name));
    },
    wakeAll: (namespace) => {
      wakeAll(queue, canaries, namespace);
    },
  });
  watchKind(kinds.service, ownName);
  watchKind(kinds.endpointSlice, (slice) => slice.metadata.labels?.[SERVICE_NAME_LABEL]);
  watchKind(
    kinds.canaryAction,
    (action) => (action as { spec?: { canaryRef?: { name?: string } } }).spec?.canaryRef?.name,
  );
  informers.onChange(kinds.canary, ({ before, after }: CacheChange<KubeObject>) => {
    const object = after ?? before;
    if (object === undefined) return;
    const key = keyOf(object);
    if (after === undefined) forget(watchers, key);
    else if (!sameSpec(before, after)) remember(key, after);
    queue.add(key);
  });
  wakeAllOnChange(informers, queue, canaries);
  for (const canary of canaries.list()) {
    remember(keyOf(canary), canary);
    queue.add(keyOf(canary));
  }
}

const alwaysCached = [
  kinds.canary,
  kinds.canaryAction,
  kinds.metricProvider,
  kinds.clusterMetricProvider,
  kinds.deployment,
  kinds.service,
  kinds.endpointSlice,
  kinds.horizontalPodAutoscaler,
  kinds.podDisruptionBudget,
  kinds.networkPolicy,
] as const;

export interface CacheOptions {
  /** Without it nothing is asked about Secrets. */
  readonly trackSecrets: boolean;
}

/** Begins the watches that every replica keeps, so that one that takes over the lead knows the world already. */
export function startCaches(informers: Informers, { trackSecrets }: CacheOptions): void {
  for (const kind of alwaysCached) informers.cache(kind, { keep: dropWhatNobodyReads });
  for (const kind of configurationKinds(trackSecrets)) informers.cache(kind, { keep: onlyMarks });
}

function configurationKinds(trackSecrets: boolean): readonly ResourceKind[] {
  return trackSecrets ? [kinds.configMap, kinds.secret] : [kinds.configMap];
}

/** A provider concerns whoever names it, which may be anybody: these change rarely. */
function wakeAllOnChange(informers: Informers, queue: Queue, canaries: Cache<KubeObject>): void {
  for (const kind of [kinds.metricProvider, kinds.clusterMetricProvider]) {
    informers.onChange(kind, ({ before, after }) => {
      const namespace = (after ?? before)?.metadata.namespace;
      wakeAll(queue, canaries, namespace);
    });
  }
}

/** One that was deleted and created again while nobody watched has another uid at the same generation. */
function sameSpec(before: KubeObject | undefined, after: KubeObject): boolean {
  return before?.metadata.uid === after.metadata.uid && before?.metadata.generation === after.metadata.generation;
}

function wakeAll(queue: Queue, canaries: Cache<KubeObject>, namespace: string | undefined): void {
  for (const canary of canaries.list(namespace)) queue.add(keyOf(canary));
}

function forget({ byObject, objectsOf }: Watchers, key: string): void {
  for (const id of objectsOf.get(key) ?? []) {
    const keys = byObject.get(id);
    keys?.delete(key);
    if (keys?.size === 0) byObject.delete(id);
  }
  objectsOf.delete(key);
}

function idOf(kind: ResourceKind, namespace: string, name: string): string {
  return `${kind.plural}/${namespace}/${name}`;
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Caches hold only what is used: who manages which field, and kubectl's copy of the manifest, can be most of an object. */
function dropWhatNobodyReads<T extends KubeObject>(object: T): T {
  const { managedFields, annotations, ...metadata } = object.metadata;
  const writers = managedFields?.flatMap(writerOf) ?? [];
  const lean = writers.length === 0 ? metadata : { ...metadata, managedFields: writers };
  if (annotations === undefined) return { ...object, metadata: lean };
  const { [LAST_APPLIED]: _applied, ...kept } = annotations;
  return { ...object, metadata: { ...lean, annotations: kept } };
}

/** Fields that others may write against Aviary: of these it must know who does. The template is that of the primary. */
const WATCHED_FIELDS = ["f:replicas", "f:paused", "f:selector", "f:template"] as const;

interface ManagedFields {
  readonly manager?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: { readonly "f:spec"?: Readonly<Record<string, unknown>> };
}

/** An entry of managedFields reduced to what is asked of it; none for those that never wrote a spec. */
function writerOf(entry: unknown): readonly ManagedFields[] {
  const { manager, time, fieldsV1 } = entry as ManagedFields;
  const spec = fieldsV1?.["f:spec"];
  if (manager === undefined || spec === undefined) return [];
  const written = Object.fromEntries(WATCHED_FIELDS.flatMap((field) => (field in spec ? [[field, {}]] : [])));
  return [{ manager, ...(time === undefined ? {} : { time }), fieldsV1: { "f:spec": written } }];
}

const MARKS: readonly string[] = [annotations.track, annotations.certificate];

/** Of the many ConfigMaps and Secrets of a cluster only what tells them apart is held. */
function onlyMarks<T extends KubeObject>(object: T): T {
  const { name, namespace, uid, resourceVersion, labels = {}, annotations: marks = {} } = object.metadata;
  const kept = Object.entries(marks).filter(([key]) => MARKS.includes(key));
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(labels[COPY_FOR] === undefined ? {} : { labels }),
    ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
  };
  return { apiVersion: object.apiVersion, kind: object.kind, metadata } as T;
}

/** The caches without which nothing can be done, for health and figures. */
export function cachedKinds(informers: Informers): readonly Cache<KubeObject>[] {
  return [...alwaysCached, kinds.configMap].map((kind) => informers.cache<KubeObject>(kind));
}

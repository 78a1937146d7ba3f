import type { Canary } from "../api/canary.ts";
import { parseCanaryAction } from "../api/canaryAction.ts";
import type { Observation, Request, Services, Workload } from "../decide/types.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import { FIELD_MANAGER } from "../kube/port.ts";
import { fieldManagers, lastManager } from "../routers/fieldManagers.ts";
import { routeKey } from "../routers/router.ts";
import type { RouteView } from "../routers/router.ts";
import { hasPorts } from "../kube/reachability.ts";
import type { Namespace, Service } from "../kube/objects.ts";
import type { Kube, KubeObject } from "../kube/port.ts";
import type { Clock } from "../lib/time.ts";
import { parseDuration } from "../lib/time.ts";
import type { CanaryPods } from "./canaryPods.ts";
import type { Companions } from "./companions.ts";
import type { Configuration } from "./configuration.ts";
import { copiesFor, copiesOf } from "./copies.ts";
import type { EvidenceTaker } from "./evidence.ts";
import { jobsOf } from "./jobs.ts";
import { selects } from "./label.ts";
import type { PodTroubles } from "./podTrouble.ts";
import { problemOf } from "./problems.ts";
import { findProvider } from "./providers.ts";
import type { ProviderOptions } from "./providers.ts";
import type { Readings } from "./readings.ts";
import { controllersOf, subjectOf } from "./subject.ts";
import type { Tiles } from "./tiles.ts";
import { setScene } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { viewOf } from "./services.ts";
import { primaryOf, targetOf } from "./workload.ts";

export interface ObserveOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  readonly clock: Clock;
  readonly readings: Readings;
  readonly tiles: Tiles;
  readonly podTroubles: PodTroubles;
  readonly canaryPods: CanaryPods;
  readonly evidence: EvidenceTaker;
  readonly providers: ProviderOptions;
  readonly configuration: Configuration;
  /** CanaryActions that were decided and cannot be answered yet are not looked at again. */
  readonly answering: { heldOff(uid: string): boolean };
}

export interface Observed {
  readonly observation: Observation;
  /** The objects themselves, for `act`. */
  readonly scene: Scene;
}

/** Gathers everything that one decision needs, with a single `now`. Reads only, and nearly always from caches. */
export async function observe(options: ObserveOptions, canary: Canary, signal: AbortSignal): Promise<Observed> {
  const { reads, clock, readings } = options;
  const now = clock.now();
  const scene = await wholeScene(options, canary, signal);
  const route = scene.router.read(scene.routeInput);
  const problem = problemOf({
    scene,
    reads,
    route,
    provider: (of, question) => findProvider(options.providers, of, question),
  });
  const workloads = await workloadsOf(options, scene, signal);
  const settleMs = settleOf(canary, scene);
  const jobs = await jobsOf({ reads, podTroubles: options.podTroubles, now, signal }, canary);
  const evidence = options.evidence.collect(keyOfCanary(canary), canary, settleMs);
  const tile = options.tiles.collect(keyOfCanary(canary), canary, () => ({
    subject: subjectOf(scene),
    controllers: controllersOf(scene),
  }));
  const pods = options.canaryPods.collect(keyOfCanary(canary), canary, scene.target);
  const observation: Observation = {
    now,
    canary,
    ...(problem === undefined ? {} : { problem }),
    ...workloads,
    services: servicesOf(scene, now),
    ...copiesOf(scene, options.configuration),
    ...(scene.autoscaler.view === undefined ? {} : { autoscaler: scene.autoscaler.view }),
    companions: { autoscaler: isSettled(scene.autoscaler.copies), guards: isSettled(scene.guards) },
    ...(scene.label === undefined ? {} : { primaryLabel: scene.label }),
    ...(scene.apex.service?.spec.selector === undefined ? {} : { apexSelector: scene.apex.service.spec.selector }),
    route,
    routeName: nameOfRoutes(scene),
    ...(scene.trafficChanged ? { trafficChanged: true } : {}),
    writers: writersOf(scene, route),
    settleMs,
    ...jobs,
    ...(evidence === undefined ? {} : { evidence }),
    ...(tile === undefined ? {} : { tile }),
    ...(pods === undefined ? {} : { pods }),
    drainMs: parseDuration(canary.spec.traffic.drain),
    readings: readings.collect(keyOfCanary(canary), canary),
    requests: requestsFor(reads, canary).map((asked) =>
      options.answering.heldOff(asked.uid) ? { ...asked, decided: true } : asked,
    ),
    namespaceTerminating: await isNamespaceGoing(options.kube, canary, signal),
  };
  return { observation, scene };
}

async function wholeScene(
  { reads, configuration }: ObserveOptions,
  canary: Canary,
  signal: AbortSignal,
): Promise<Scene> {
  const stage = setScene(reads, canary);
  const { primary, names, workload } = stage;
  const target =
    stage.target === undefined ? undefined : { name: names.target, template: workload.template(stage.target) };
  return {
    ...stage,
    configuration: await configuration.look({ key: keyOfCanary(canary), canary, target, primary }, signal),
    copies: copiesFor(reads, configuration, { namespace: names.namespace, name: names.target }),
  };
}

function settleOf({ spec }: Canary, { router }: Scene): number {
  return spec.traffic.settle === undefined ? router.settleMs : parseDuration(spec.traffic.settle);
}

export function keyOfCanary(canary: Canary): string {
  return `${canary.metadata.namespace ?? "default"}/${canary.metadata.name}`;
}

/** How long pods may take before anybody asks why. */
const ASK_PODS_AFTER_MS = 3_000;

type Seen = Pick<Observation, "target" | "primary" | "previous">;

async function workloadsOf({ podTroubles, clock }: ObserveOptions, scene: Scene, signal: AbortSignal): Promise<Seen> {
  const { workload: kind } = scene;
  const { status, metadata } = scene.canary;
  const targetWith = (trouble?: string): Workload | undefined =>
    scene.target === undefined
      ? undefined
      : targetOf(kind, scene.target, { configuration: scene.configuration, trouble });
  const target = targetWith();
  const primary = scene.primary === undefined ? undefined : primaryOf(kind, scene.primary, undefined);
  const previous = scene.previous === undefined ? undefined : primaryOf(kind, scene.previous, undefined);
  const seen: Seen = {
    ...(target === undefined ? {} : { target }),
    ...(primary === undefined ? {} : { primary }),
    ...(previous === undefined ? {} : { previous }),
  };
  const { rollout, rollback } = status ?? {};
  const since = rollout?.waitingSince ?? rollout?.keepingSince ?? rollback?.waitingSince ?? rollback?.startedAt;
  const waits =
    since !== undefined
      ? clock.now() - Date.parse(since) > ASK_PODS_AFTER_MS
      : status?.promoted === undefined || metadata.deletionTimestamp !== undefined;
  if (!waits) return seen;
  // Its pods are on their way or in trouble: only they can say which.
  if (scene.target !== undefined && target !== undefined && target.replicas > 0 && target.available < target.replicas) {
    const told = targetWith(await podTroubles.of(scene.target, signal));
    return told === undefined ? seen : { ...seen, target: told };
  }
  if (scene.primary !== undefined && primary !== undefined && !primary.settled) {
    return { ...seen, primary: primaryOf(kind, scene.primary, await podTroubles.of(scene.primary, signal)) };
  }
  if (scene.previous !== undefined && previous !== undefined && !previous.settled) {
    return { ...seen, previous: primaryOf(kind, scene.previous, await podTroubles.of(scene.previous, signal)) };
  }
  return seen;
}

function isSettled({ wanted, stale }: Companions): boolean {
  return wanted.length === 0 && stale.length === 0;
}

/** Who else writes what Aviary sets. A field that is taken away names nobody: then it was whoever wrote last. */
function writersOf({ target, primary, apex }: Scene, route: RouteView): NonNullable<Observation["writers"]> {
  return {
    Weight: others(route.managers),
    Replicas: target === undefined ? [] : others(fieldManagers(target, ["f:spec", "f:replicas"])),
    Freeze: target === undefined ? [] : others(lastManager(target)),
    PrimaryImages: primary === undefined ? [] : others(fieldManagers(primary, ["f:spec", "f:template"])),
    ApexSelector: apex.service === undefined ? [] : others(fieldManagers(apex.service, ["f:spec", "f:selector"])),
  };
}

function others(managers: readonly string[]): readonly string[] {
  return managers.filter((manager) => manager !== FIELD_MANAGER);
}

function servicesOf(scene: Scene, now: number): Services {
  const { apex, primaryService, canaryService, previousService, target, ports } = scene;
  const label = scene.label ?? { key: "", value: "" };
  const targetLabels = target?.spec.selector.matchLabels ?? {};
  const leaving = scene.canary.metadata.deletionTimestamp !== undefined;
  const view = (objects: Scene["apex"], feedFrom: Scene["apex"] | undefined) =>
    viewOf({ objects, label, targetLabels, feedFrom, now });
  const found = leaving ? scene.canary.status?.adopted?.apexSelector : undefined;
  const rollingBack = scene.canary.status?.rollback !== undefined && !leaving;
  const serving = !leaving && !rollingBack && scene.canary.status?.promoted !== undefined;
  // While the primary changes in place, the canary's pods stand behind both.
  const carried = serving && primaryService.feed !== undefined;
  const standby = serving && !carried;
  const apexFeed = leaving || carried ? canaryService : rollingBack ? previousService : primaryService;
  return {
    apex: viewOf({ objects: apex, label, targetLabels, feedFrom: apexFeed, standby, found, now }),
    primary: view(primaryService, rollingBack ? previousService : canaryService),
    canary: view(canaryService, undefined),
    previous: view(previousService, undefined),
    complete: isComplete(scene, ports),
  };
}

function isComplete(scene: Scene, ports: Scene["ports"]): boolean {
  const { apex, primaryService, canaryService, target, label } = scene;
  const offers = (service: Service | undefined): boolean => service !== undefined && hasPorts(service, ports);
  const targetLabels = target?.spec.selector.matchLabels ?? {};
  const selectsCanary = selects(canaryService.service?.spec.selector, targetLabels);
  const primaryLabels = label === undefined ? targetLabels : { ...targetLabels, [label.key]: label.value };
  const selectsPrimary = selects(primaryService.service?.spec.selector, primaryLabels);
  return (
    apex.service !== undefined &&
    offers(primaryService.service) &&
    offers(canaryService.service) &&
    selectsCanary &&
    selectsPrimary
  );
}

function requestsFor(reads: FreshReads, canary: Canary): readonly Request[] {
  return reads
    .related<KubeObject>(kinds.canaryAction, {
      namespace: canary.metadata.namespace ?? "default",
      name: canary.metadata.name,
    })
    .flatMap((object) => {
      // Answered ones stay until somebody deletes them, and may be many.
      if ((object as { status?: { phase?: string } }).status?.phase !== undefined) return [];
      const parsed = parseCanaryAction(object);
      if (!parsed.ok) return [];
      const { metadata, spec } = parsed.action;
      const { canaryRef: _canary, ...asked } = spec;
      return [{ uid: metadata.uid ?? "", name: metadata.name, created: metadata.creationTimestamp ?? "", ...asked }];
    })
    .sort((a, b) => a.created.localeCompare(b.created) || a.name.localeCompare(b.name))
    .map((request) => request as Request);
}

/** Asked only when it matters: a Canary that is deleted together with its namespace hands nothing back. */
async function isNamespaceGoing(kube: Kube, canary: Canary, signal: AbortSignal): Promise<boolean> {
  if (canary.metadata.deletionTimestamp === undefined) return false;
  const name = canary.metadata.namespace ?? "default";
  const namespace = await kube.get<Namespace>(kinds.namespace, { name }, { signal });
  return namespace === undefined || namespace.metadata.deletionTimestamp !== undefined;
}

/** The routes that there are; the route of an A/B test comes and goes. */
function nameOfRoutes({ routeRefs, routeInput }: Pick<Scene, "routeRefs" | "routeInput">): string {
  const there = routeRefs.filter((ref) => routeInput.objects.has(routeKey(ref)));
  const named = there.length === 0 ? routeRefs : there;
  return named.map(({ kind, name }) => `${kind.kind} ${name}`).join(", ");
}

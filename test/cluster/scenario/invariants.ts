import type { Deployment, EndpointSlice } from "../../../src/kube/objects.ts";
import type { KubeObject } from "../harness/cluster.ts";
import type { Entry } from "./journal.ts";
import { imageOf, weightsOf } from "./shop.ts";

/** The world of one namespace between two writes. */
interface World {
  readonly objects: ReadonlyMap<string, KubeObject>;
  readonly entry: Entry;
}

/** Every moment of a namespace's life, in the order of the API server's own versions. */
function* moments(entries: readonly Entry[]): Generator<World> {
  const objects = new Map<string, KubeObject>();
  for (const entry of entries) {
    const { kind, metadata } = entry.object;
    const key = `${kind}/${metadata.name}`;
    if (entry.deleted) objects.delete(key);
    else objects.set(key, entry.object);
    yield { objects, entry };
  }
}

/** Moments in which a request of a user's would have met nobody. */
export function outages(entries: readonly Entry[]): string[] {
  const found = new Set<string>();
  let served = false;
  for (const { objects, entry } of moments(entries)) {
    const now = `after version ${entry.version}, of ${entry.object.kind} ${entry.object.metadata.name}`;
    // The route is older than the Services that it names.
    served ||= readyBehind(objects, "web-primary") > 0;
    if (!served || !objects.has("Canary/web")) continue;
    const weights = weightsOf(objects.get("HTTPRoute/web"));
    const used = Object.keys(weights).filter((name) => (weights[name] ?? 0) > 0);
    if (used.length === 0) found.add(`the weights add up to 0 ${now}`);
    for (const name of used) if (readyBehind(objects, name) === 0) found.add(`nobody is behind ${name} ${now}`);
    if (readyBehind(objects, "web") === 0 && !isOnStandby(objects, "web")) found.add(`nobody is behind web ${now}`);
  }
  return [...found];
}

/** Moments in which the canary had weight and its pods were free to change. */
export function thawedUnderWeight(entries: readonly Entry[]): string[] {
  const found: string[] = [];
  for (const { objects, entry } of moments(entries)) {
    const weight = canaryWeight(objects);
    const target = objects.get("Deployment/web") as Deployment | undefined;
    if (weight > 0 && target?.spec.paused !== true) found.push(`weight ${weight} at version ${entry.version}`);
  }
  return found;
}

/** Weights of the canary at which pods of an image came into being; `[0]` when no user could have met them unjudged. */
export function weightsAtBirthOf(tag: string, entries: readonly Entry[]): number[] {
  const born: number[] = [];
  const sizes = new Map<string, number>();
  for (const { objects, entry } of moments(entries)) {
    if (entry.object.kind !== "ReplicaSet" || entry.deleted) continue;
    const set = entry.object as unknown as Deployment;
    const owner = (set.metadata as { ownerReferences?: readonly { name: string }[] }).ownerReferences?.[0]?.name;
    if (owner !== "web" || set.spec.template.spec.containers[0]?.image !== imageOf(tag)) continue;
    const before = sizes.get(set.metadata.name) ?? 0;
    const now = set.status?.replicas ?? 0;
    sizes.set(set.metadata.name, now);
    if (before === 0 && now > 0) born.push(canaryWeight(objects));
  }
  return born;
}

/** When the canary's weight became 0 again for the first time after `since`, in epoch milliseconds. */
export function zeroWeightAfter(since: number, entries: readonly Entry[]): number | undefined {
  return entries.find(
    ({ at, object }) => at >= since && object.kind === "HTTPRoute" && weightsOf(object)["web-canary"] === 0,
  )?.at;
}

/** The weights of the canary in their order, each once until it changes. */
export function weightHistory(entries: readonly Entry[]): number[] {
  const weights = entries
    .filter(({ object, deleted }) => object.kind === "HTTPRoute" && !deleted)
    .map(({ object }) => weightsOf(object)["web-canary"] ?? 0);
  return weights.filter((weight, index) => weight !== weights[index - 1]);
}

function canaryWeight(objects: World["objects"]): number {
  return weightsOf(objects.get("HTTPRoute/web"))["web-canary"] ?? 0;
}

function endpointsBehind(objects: World["objects"], service: string): NonNullable<EndpointSlice["endpoints"]> {
  return [...objects.values()].flatMap((object) => {
    if (object.kind !== "EndpointSlice" || object.metadata.labels?.["kubernetes.io/service-name"] !== service)
      return [];
    return (object as unknown as EndpointSlice).endpoints ?? [];
  });
}

function readyBehind(objects: World["objects"], service: string): number {
  return endpointsBehind(objects, service).filter(
    ({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true,
  ).length;
}

/** Whether kube-proxy finds somebody though nobody is ready: who serves on its way out. */
function isOnStandby(objects: World["objects"], service: string): boolean {
  return endpointsBehind(objects, service).some(
    ({ conditions }) => conditions?.serving === true && conditions.terminating === true,
  );
}

import type { CanaryStatus } from "../../src/api/status.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type {
  Deployment,
  EndpointSlice,
  HTTPRoute,
  Ingress,
  Pod,
  Service,
  WorkloadObject,
} from "../../src/kube/objects.ts";
import { SERVICE_NAME_LABEL } from "../../src/kube/objects.ts";
import type { KubeObject, ResourceKind } from "../../src/kube/port.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { ROUTE_KINDS } from "./cluster.ts";
import { EDGE, NAMESPACE } from "./manifests.ts";

/**
 * Looks at the cluster after every single write of anybody's, as users would feel it, and writes down what must never
 * be (docs/architecture.md, Invariants).
 */
export interface Watchman {
  look(): void;
  /** Moments at which a request would have found nobody. */
  readonly outages: string[];
  /** Moments at which users got what nobody judged, or the primary changed under them. */
  readonly breaches: string[];
}

interface WatchmanOptions {
  readonly server: ApiServer;
  readonly stamp: () => string;
}

/** Where the traffic goes at one moment. */
interface Split {
  /** Weight by backend. */
  readonly weights: Readonly<Record<string, number>>;
  /** Requests of an A/B test are led to the canary. */
  readonly matched: boolean;
}

export function createWatchman({ server, stamp }: WatchmanOptions): Watchman {
  const outages: string[] = [];
  const breaches: string[] = [];
  let served = false;
  let frozen: ReadonlySet<string> | undefined;
  let primaryRevision: string | undefined;
  let primarySize: number | undefined;

  const lookAtUsers = (split: Split): void => {
    const lost = outage(server, split);
    // The route is older than the Services that it names: until Aviary has made them, nobody can serve.
    served ||= lost === undefined && find(server, kinds.service, "web-primary") !== undefined;
    if (lost !== undefined && served && find(server, kinds.canary, "web") !== undefined)
      outages.push(`${stamp()} ${lost}`);
  };
  const lookAtCanary = ({ weights, matched }: Split): void => {
    const weight = weights["web-canary"] ?? 0;
    if (weight === 0 && !matched) {
      frozen = undefined;
      return;
    }
    const versions = new Set(podsBehind(server, "web-canary").map(versionOf));
    if (frozen === undefined && versions.size > 1)
      breaches.push(`${stamp()} ${[...versions].join(" and ")} get traffic together`);
    frozen ??= versions;
    for (const version of versions) {
      if (!frozen.has(version)) breaches.push(`${stamp()} ${version} got behind web-canary at weight ${weight}`);
    }
  };
  const lookAtPrimary = ({ weights }: Split): void => {
    const primary = findWorkload(server, "web-primary");
    const revision = primary?.metadata.annotations?.["aviary.dev/revision"];
    const changed = revision !== undefined && primaryRevision !== undefined && revision !== primaryRevision;
    const weight = weights["web-canary"] ?? 0;
    const used = ["web", "web-primary"].some((name) => selectorOf(server, name)?.["app"] === "web-primary");
    if (changed && statusOf(server)?.promoted !== undefined && weight !== 100 && used) {
      breaches.push(`${stamp()} the primary changed at weight ${weight}`);
    }
    primaryRevision = revision;
    const size = (primary as Deployment | undefined)?.spec.replicas;
    const scaled = find(server, kinds.horizontalPodAutoscaler, "web-primary") !== undefined;
    if (scaled && weight > 0 && size !== undefined && size < (primarySize ?? 0)) {
      breaches.push(`${stamp()} the primary shrank to ${size} at weight ${weight}`);
    }
    primarySize = size;
  };
  return {
    outages,
    breaches,
    look() {
      const split = { weights: weightsOf(server), matched: isMatched(server) };
      lookAtUsers(split);
      lookAtCanary(split);
      lookAtPrimary(split);
    },
  };
}

export function find(
  server: ApiServer,
  kind: ResourceKind,
  name: string,
  namespace = NAMESPACE,
): KubeObject | undefined {
  const resource = server.registry.find(kind.group, kind.version, kind.plural);
  if (resource === undefined) return undefined;
  return server.find(resource, { namespace, name }) as unknown as KubeObject | undefined;
}

/** The workload of that name, of whatever kind. */
export function findWorkload(server: ApiServer, name: string): WorkloadObject | undefined {
  const found = [kinds.deployment, kinds.daemonSet, kinds.statefulSet].map((kind) => find(server, kind, name));
  return found.find((object) => object !== undefined) as WorkloadObject | undefined;
}

export function all<T>(server: ApiServer, kind: ResourceKind): readonly T[] {
  const { items } = server.list(server.resource(kind.group, kind.version, kind.plural), { namespace: NAMESPACE });
  return items as unknown as readonly T[];
}

export function statusOf(server: ApiServer, name = "web"): CanaryStatus | undefined {
  return (find(server, kinds.canary, name) as { status?: CanaryStatus } | undefined)?.status;
}

/** Weight by backend: of the HTTPRoute, without one of the Ingress and its canary, without any of the apex Service. */
export function weightsOf(server: ApiServer): Record<string, number> {
  const places = ROUTE_KINDS.flatMap((kind) => [NAMESPACE, EDGE].map((namespace) => ({ kind, namespace })));
  for (const { kind, namespace } of places) {
    const route = find(server, kind, "web", namespace) as HTTPRoute | undefined;
    if (route === undefined) continue;
    // The rule for what an A/B test matches stands before the one with the weights.
    const refs = route.spec.rules?.at(-1)?.backendRefs ?? [];
    return Object.fromEntries(refs.map(({ name, weight }) => [name, weight ?? 1]));
  }
  return ingressWeights(server);
}

/** Whether requests of an A/B test are led to the canary. */
function isMatched(server: ApiServer): boolean {
  const beside = find(server, kinds.httpRoute, "web-canary") as HTTPRoute | undefined;
  const own = find(server, kinds.httpRoute, "web") as HTTPRoute | undefined;
  const rules = [...(beside?.spec.rules ?? []), ...(own?.spec.rules ?? [])];
  const alone = rules.some(({ backendRefs = [] }) => backendRefs.length === 1 && backendRefs[0]?.name === "web-canary");
  const annotations = find(server, kinds.ingress, "web-canary")?.metadata.annotations ?? {};
  return alone || Object.keys(annotations).some((key) => key.includes("/canary-by-"));
}

function ingressWeights(server: ApiServer): Record<string, number> {
  const ingress = find(server, kinds.ingress, "web") as Ingress | undefined;
  if (ingress === undefined) return podWeights(server);
  const main = ingress.spec.rules?.[0]?.http?.paths[0]?.backend.service?.name ?? "";
  const canary = find(server, kinds.ingress, "web-canary");
  const weight = Number(canary?.metadata.annotations?.["nginx.ingress.kubernetes.io/canary-weight"] ?? 0);
  return { [main]: 100 - weight, "web-canary": weight };
}

/** Without a route: percent of the pods behind the apex Service, from adoption to deletion. */
function podWeights(server: ApiServer): Record<string, number> {
  const canary = find(server, kinds.canary, "web");
  if (statusOf(server)?.promoted === undefined || canary?.metadata.deletionTimestamp !== undefined) return {};
  const behind = new Set(readyBehind(server, "web").flatMap(({ addresses }) => addresses));
  const pods = all<Pod>(server, kinds.pod).filter(({ status }) => behind.has(status?.podIP ?? ""));
  const ours = pods.filter(({ metadata }) => metadata.labels?.["app"] === "web").length;
  const share = pods.length === 0 ? 0 : Math.round((100 * ours) / pods.length);
  return { "web-primary": 100 - share, "web-canary": share };
}

/** What a request would meet now: every backend with weight, and the apex Service, must have somebody behind it. */
function outage(server: ApiServer, { weights, matched }: Split): string | undefined {
  const served = Object.entries(weights).filter(([, weight]) => weight > 0);
  if (Object.keys(weights).length > 0 && served.length === 0) return "the weights add up to 0";
  const named = [...served.map(([name]) => name), ...(matched ? ["web-canary"] : [])];
  const empty = named.find((name) => readyBehind(server, name).length === 0);
  if (empty !== undefined) return `nobody is behind ${empty}`;
  return readyBehind(server, "web").length > 0 || onStandby(server, "web") ? undefined : "nobody is behind web";
}

function endpointsOf(server: ApiServer, service: string): NonNullable<EndpointSlice["endpoints"]> {
  return all<EndpointSlice>(server, kinds.endpointSlice)
    .filter((slice) => slice.metadata.labels?.[SERVICE_NAME_LABEL] === service)
    .flatMap(({ endpoints }) => endpoints ?? []);
}

function selectorOf(server: ApiServer, name: string): Service["spec"]["selector"] {
  return (find(server, kinds.service, name) as Service | undefined)?.spec.selector;
}

function readyBehind(server: ApiServer, service: string): NonNullable<EndpointSlice["endpoints"]> {
  return endpointsOf(server, service).filter(
    ({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true,
  );
}

/**
 * Whether kube-proxy finds somebody when nobody is ready: who serves though on its way out (KEP-1669). A list that is
 * older than its pods helps nobody.
 */
function onStandby(server: ApiServer, service: string): boolean {
  const listed = endpointsOf(server, service).filter(
    ({ conditions }) => conditions?.serving === true && conditions.terminating === true,
  );
  const addresses = new Set(listed.flatMap((endpoint) => endpoint.addresses));
  return all<Pod>(server, kinds.pod).some(({ metadata, status }) => {
    const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
    return ready && metadata.deletionTimestamp === undefined && addresses.has(status.podIP ?? "");
  });
}

function podsBehind(server: ApiServer, service: string): readonly Pod[] {
  const names = new Set(readyBehind(server, service).map(({ targetRef }) => targetRef?.name));
  return all<Pod>(server, kinds.pod).filter(({ metadata }) => names.has(metadata.name));
}

function versionOf(pod: Pod): string {
  return pod.spec.containers[0]?.env?.find(({ name }) => name === "VERSION")?.value ?? "?";
}

/** Pods of a workload that are there and ready. */
export function readyOf(server: ApiServer, name: string): number {
  type Counted = { readonly readyReplicas?: number; readonly numberReady?: number };
  const { status } = (findWorkload(server, name) ?? {}) as { readonly status?: Counted };
  return status?.readyReplicas ?? status?.numberReady ?? 0;
}

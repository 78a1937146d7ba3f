import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  conditionOf,
  isTerminating,
  SERVICE_NAME_LABEL,
  SLICE_MANAGED_BY_LABEL,
  type Endpoint,
  type EndpointSlice,
  type Pod,
  type Service,
  type ServicePort,
} from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { matchesLabels } from "../../kube/labelSelector.ts";
import { nameDigest } from "../random.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { createLoop } from "./loop.ts";
import { ownerReference } from "./owners.ts";
import { NODE_NAME } from "./podStatus.ts";
import { createView, type View } from "./view.ts";

const MANAGER = "endpointslice-controller.k8s.io";

type SlicePorts = NonNullable<EndpointSlice["ports"]>;

/** Keeps EndpointSlices for Services with a selector. Slices that somebody else manages are never touched. */
export function startEndpointSlices(context: ControllerContext): Controller {
  const services = createView<Service>(kinds.service, context);
  const pods = createView<Pod>(kinds.pod, context);
  const slices = createView<EndpointSlice>(kinds.endpointSlice, context);
  const reconcile = async (key: string): Promise<undefined> => {
    const service = services.get(key);
    if (service === undefined || isTerminating(service) || service.spec.selector === undefined) return undefined;
    await keepSlices(service, desiredSlices(service, pods.list(service.metadata.namespace)), slices);
    return undefined;
  };
  const loop = createLoop({ ...context, name: "endpointslice", reconcile });
  services.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  pods.onChange(({ before, after }) => {
    const namespace = (after ?? before)?.metadata.namespace;
    for (const service of services.list(namespace)) {
      if ([before, after].some((pod) => pod !== undefined && isSelected(service, pod))) loop.add(keyOf(service));
    }
  });
  slices.onChange(({ before, after }) => {
    const slice = after ?? before;
    const service = slice?.metadata.labels?.[SERVICE_NAME_LABEL];
    if (service !== undefined) loop.add(`${slice?.metadata.namespace ?? ""}/${service}`);
  });
  return loop;
}

function isSelected({ spec }: Service, pod: Pod): boolean {
  return spec.selector !== undefined && matchesLabels(spec.selector, pod.metadata.labels);
}

/** One slice for each way in which the Service's ports resolve (named ports may differ between pods). Pure. */
export function desiredSlices(service: Service, pods: readonly Pod[]): readonly EndpointSlice[] {
  const groups = new Map<string, { ports: SlicePorts; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (!isSelected(service, pod) || pod.status?.podIP === undefined) continue;
    if (pod.status.phase === "Failed" || pod.status.phase === "Succeeded") continue;
    const ports = resolvePorts(service.spec.ports ?? [], pod);
    const group = groups.get(JSON.stringify(ports)) ?? { ports, endpoints: [] };
    groups.set(JSON.stringify(ports), group);
    group.endpoints.push(endpointOf(service, pod, pod.status.podIP));
  }
  // An empty slice says that nothing is there, where none at all could also mean that nobody has looked.
  if (groups.size === 0) groups.set("[]", { ports: [], endpoints: [] });
  return [...groups.values()].map((group) => sliceOf(service, group.ports, group.endpoints));
}

function resolvePorts(ports: readonly ServicePort[], pod: Pod): SlicePorts {
  return ports.flatMap(({ name, port, targetPort = port, protocol = "TCP", appProtocol }) => {
    const resolved = typeof targetPort === "number" ? targetPort : namedPort(pod, targetPort);
    if (resolved === undefined) return [];
    return [{ name: name ?? "", port: resolved, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function namedPort(pod: Pod, name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const declared = pod.spec.containers.flatMap(({ ports = [] }) => ports);
  return declared.find((port) => port.name === name)?.containerPort;
}

function endpointOf({ spec }: Service, pod: Pod, ip: string): Endpoint {
  const serving = conditionOf(pod.status?.conditions, "Ready")?.status === "True";
  const terminating = isTerminating(pod);
  const { name, namespace, uid } = pod.metadata;
  const targetRef = {
    kind: "Pod",
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
  const ready = spec["publishNotReadyAddresses"] === true || (serving && !terminating);
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    nodeName: pod.spec.nodeName ?? NODE_NAME,
    targetRef,
  };
}

function sliceOf(service: Service, ports: SlicePorts, endpoints: readonly Endpoint[]): EndpointSlice {
  const { name, namespace, labels } = service.metadata;
  const suffix = nameDigest(
    createHash("sha256")
      .update(`${name} ${JSON.stringify(ports)}`)
      .digest("hex"),
    5,
  );
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${suffix}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [SLICE_MANAGED_BY_LABEL]: MANAGER },
      ownerReferences: [ownerReference(service)],
    },
    addressType: "IPv4",
    ports,
    endpoints: endpoints.toSorted((a, b) => (a.targetRef?.name ?? "").localeCompare(b.targetRef?.name ?? "")),
  };
}

async function keepSlices(
  service: Service,
  desired: readonly EndpointSlice[],
  view: View<EndpointSlice>,
): Promise<void> {
  const { name, namespace } = service.metadata;
  const mine = view
    .list(namespace)
    .filter(
      ({ metadata: { labels } }) => labels?.[SERVICE_NAME_LABEL] === name && labels[SLICE_MANAGED_BY_LABEL] === MANAGER,
    )
    .filter((slice) => !isTerminating(slice));
  for (const slice of desired) {
    const known = mine.find(({ metadata }) => metadata.name === slice.metadata.name);
    if (known === undefined) await view.create(slice);
    else if (!isDeepStrictEqual(contentOf(known), contentOf(slice))) await view.patch(known, contentOf(slice));
  }
  for (const slice of mine) {
    if (!desired.some(({ metadata }) => metadata.name === slice.metadata.name)) await view.remove(slice);
  }
}

const contentOf = ({ endpoints, ports }: EndpointSlice): Record<string, unknown> => ({ endpoints, ports });

import {
  SERVICE_NAME_LABEL,
  type Endpoint,
  type EndpointSlice,
  type Service,
  type ServicePort,
} from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { createView, type ViewOptions } from "../controllers/view.ts";
import type { Delay } from "./delay.ts";
import type { ServiceAddress } from "./model.ts";

export interface PodAddress {
  readonly ip: string;
  readonly port: number;
}

/** Where the pods behind Services are, as the data plane knows it. */
export interface Endpoints {
  /** Ready pods; undefined when there is no such Service. */
  ready(address: ServiceAddress): readonly PodAddress[] | undefined;
}

export interface EndpointsOptions extends ViewOptions {
  /** The time until a change of endpoints has reached the proxy. */
  readonly delay: Delay;
}

type Ports = ReadonlyMap<number, readonly PodAddress[]>;

/** Follows Services and all EndpointSlices that name them, whoever manages those. */
export function followEndpoints(options: EndpointsOptions): Endpoints {
  const services = createView<Service>(kinds.service, options);
  const slices = createView<EndpointSlice>(kinds.endpointSlice, options);
  const effective = new Map<string, Ports>();

  const put = (key: string, ports: Ports | undefined): void => {
    if (ports === undefined) effective.delete(key);
    else effective.set(key, ports);
  };
  const refresh = (key: string): void => {
    const service = services.get(key);
    const ports = service === undefined ? undefined : readyPorts(service, slices.list(service.metadata.namespace));
    options.delay.run(() => {
      put(key, ports);
    });
  };
  services.onChange(({ before, after }) => {
    const service = after ?? before;
    if (service !== undefined) refresh(keyOf(service));
  });
  slices.onChange(({ before, after }) => {
    for (const slice of [before, after]) {
      const name = slice?.metadata.labels?.[SERVICE_NAME_LABEL];
      if (name !== undefined) refresh(`${slice?.metadata.namespace ?? ""}/${name}`);
    }
  });
  return {
    ready({ namespace, name, port }) {
      const ports = effective.get(`${namespace}/${name}`);
      return ports === undefined ? undefined : (ports.get(port) ?? []);
    },
  };
}

/** The ready addresses behind each port of a Service: the union of its slices. Pure. */
export function readyPorts(service: Service, slices: readonly EndpointSlice[]): Ports {
  const { name } = service.metadata;
  const own = slices.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === name);
  return new Map((service.spec.ports ?? []).map((port) => [port.port, addressesOf(port, own)]));
}

function addressesOf(port: ServicePort, slices: readonly EndpointSlice[]): readonly PodAddress[] {
  const found = new Map<string, PodAddress>();
  for (const { ports, endpoints } of slices) {
    const target = ports?.find((candidate) => (candidate.name ?? "") === (port.name ?? ""))?.port;
    if (target === undefined) continue;
    for (const ip of (endpoints ?? []).filter(isReady).flatMap(({ addresses }) => addresses)) {
      found.set(`${ip}:${target}`, { ip, port: target });
    }
  }
  return [...found.values()];
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready !== false;

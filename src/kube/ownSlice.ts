import { MANAGED_BY, SLICE_MANAGER } from "../lib/names.ts";
import { SERVICE_NAME_LABEL, SLICE_MANAGED_BY_LABEL } from "./objects.ts";
import type { Endpoint, EndpointSlice, Service } from "./objects.ts";
import { ON_STANDBY, readyEndpoints } from "./reachability.ts";

export interface OwnSlice {
  readonly name: string;
  /** The Service behind which it stands. */
  readonly service: Service;
  readonly annotations: Readonly<Record<string, string>>;
  /** Slices of another Service, whose ready endpoints it lists. */
  readonly sources: readonly EndpointSlice[];
  /** At most so many of them, in the order of their addresses, so that it is always the same ones. */
  readonly most?: number;
  /** Only for when nobody else is behind the Service. */
  readonly standby?: boolean;
}

/** An EndpointSlice of Aviary's that lists ready pods of one Service behind another one as well. */
export function ownSlice({ name, service, annotations, sources, most, standby }: OwnSlice): EndpointSlice {
  const { namespace, uid = "" } = service.metadata;
  const first = sources[0];
  // It cannot be changed later, and the source may have no slice yet: the Service knows its family.
  const family = (service.spec["ipFamilies"] as readonly string[] | undefined)?.[0] === "IPv6" ? "IPv6" : "IPv4";
  const addressType = first?.addressType ?? family;
  const ready = readyEndpoints(sources.filter((source) => source.addressType === addressType));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...MANAGED_BY,
        [SERVICE_NAME_LABEL]: service.metadata.name,
        [SLICE_MANAGED_BY_LABEL]: SLICE_MANAGER,
      },
      annotations,
      // Without an owner it would survive the Service and attach to the next one of that name.
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name: service.metadata.name, uid }],
    },
    addressType,
    ports: first?.ports ?? [],
    endpoints: (most === undefined ? ready : ready.toSorted(byAddress).slice(0, most)).map((endpoint) =>
      listed(endpoint, standby === true ? ON_STANDBY : IN_SERVICE),
    ),
  };
}

const IN_SERVICE = { ready: true, serving: true, terminating: false } as const;

function listed({ addresses, nodeName, zone }: Endpoint, conditions: NonNullable<Endpoint["conditions"]>): Endpoint {
  return {
    addresses,
    conditions,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
  };
}

function byAddress(a: Endpoint, b: Endpoint): number {
  const [left = "", right = ""] = [a.addresses[0], b.addresses[0]];
  return left < right ? -1 : Number(left > right);
}

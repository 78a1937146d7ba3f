import type { ServiceView } from "../decide/types.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { EndpointSlice, Labels, Service } from "../kube/objects.ts";
import { SERVICE_NAME_LABEL, SLICE_MANAGED_BY_LABEL } from "../kube/objects.ts";
import { isReady } from "../kube/reachability.ts";
import { FED_AT, SLICE_MANAGER } from "../lib/names.ts";
import type { PrimaryLabel } from "./label.ts";

/** A Service with the slices behind it. */
export interface ServiceObjects {
  readonly service: Service | undefined;
  /** Slices that the cluster fills by the Service's selector. */
  readonly slices: readonly EndpointSlice[];
  /** The slice that Aviary fills for the time of a switch. */
  readonly feed: EndpointSlice | undefined;
}

/** Finds the slices of several Services of a namespace in one pass. */
export function servicesIn(
  reads: FreshReads,
  namespace: string,
  names: readonly string[],
  slicesOf: (service: string) => readonly EndpointSlice[],
): Map<string, ServiceObjects> {
  return new Map(
    names.map((name) => {
      const all = slicesOf(name);
      const ours = (slice: EndpointSlice): boolean => slice.metadata.labels?.[SLICE_MANAGED_BY_LABEL] === SLICE_MANAGER;
      const service = reads.get<Service>(kinds.service, { namespace, name });
      return [name, { service, slices: all.filter((slice) => !ours(slice)), feed: all.find(ours) }];
    }),
  );
}

/** The slices of a Service, by the label that ties them to it. */
export function slicesFor(reads: FreshReads, namespace: string): (service: string) => readonly EndpointSlice[] {
  let all: readonly EndpointSlice[] | undefined;
  return (service) => {
    all ??= reads.list<EndpointSlice>(kinds.endpointSlice, namespace);
    return all.filter((slice) => slice.metadata.labels?.[SERVICE_NAME_LABEL] === service);
  };
}

interface View {
  readonly objects: ServiceObjects;
  readonly label: PrimaryLabel;
  readonly targetLabels: Labels;
  /** The Service whose pods the feed should list at this moment. */
  readonly feedFrom: ServiceObjects | undefined;
  readonly now: number;
}

export function viewOf({ objects, label, targetLabels, feedFrom, now }: View): ServiceView {
  const { service, slices, feed } = objects;
  const ready = slices.flatMap((slice) => slice.endpoints ?? []).filter(isReady).length;
  return {
    exists: service !== undefined,
    selects: selectsWhat(service?.spec.selector, label, targetLabels),
    ready,
    ...(feed === undefined
      ? {}
      : {
          feed: {
            ageMs: Math.max(0, now - changedAt(feed)),
            current: feedFrom !== undefined && sameEndpoints(feed, feedFrom.slices),
          },
        }),
  };
}

function changedAt(feed: EndpointSlice): number {
  return Date.parse(feed.metadata.annotations?.[FED_AT] ?? feed.metadata.creationTimestamp ?? "") || 0;
}

function selectsWhat(selector: Labels | undefined, label: PrimaryLabel, targetLabels: Labels): ServiceView["selects"] {
  const value = selector?.[label.key];
  if (value === label.value) return "primary";
  return value !== undefined && value === targetLabels[label.key] ? "target" : "other";
}

/** Whether the feed lists just the ready addresses of those slices. */
function sameEndpoints(feed: EndpointSlice, slices: readonly EndpointSlice[]): boolean {
  const wanted = readyAddresses(slices);
  const fed = readyAddresses([feed]);
  return wanted.length === fed.length && wanted.every((address, index) => address === fed[index]);
}

function readyAddresses(slices: readonly EndpointSlice[]): string[] {
  return slices
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(isReady)
    .flatMap(({ addresses }) => addresses)
    .sort();
}

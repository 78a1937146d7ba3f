import type { ServiceView } from "../decide/types.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { Endpoint, EndpointSlice, Labels, Service } from "../kube/objects.ts";
import { SLICE_MANAGED_BY_LABEL } from "../kube/objects.ts";
import { isOnStandby, isReady, readyEndpoints } from "../kube/reachability.ts";
import { previousLabelOf, sameLabels } from "../lib/labels.ts";
import { FED_AT, feedName, SLICE_MANAGER } from "../lib/names.ts";
import { selects } from "./label.ts";
import type { PrimaryLabel } from "./label.ts";

/** A Service with the slices behind it. */
export interface ServiceObjects {
  readonly service: Service | undefined;
  /** Slices that the cluster fills by the Service's selector. */
  readonly slices: readonly EndpointSlice[];
  /** The slice that Aviary fills: for the time of a switch, and behind the apex for when nobody else is there. */
  readonly feed: EndpointSlice | undefined;
}

/** A Service and its slices, found by the label that ties them to it. */
export function serviceNamed(reads: FreshReads, namespace: string, name: string): ServiceObjects {
  const all = reads.related<EndpointSlice>(kinds.endpointSlice, { namespace, name });
  const ours = (slice: EndpointSlice): boolean => slice.metadata.labels?.[SLICE_MANAGED_BY_LABEL] === SLICE_MANAGER;
  const service = reads.get<Service>(kinds.service, { namespace, name });
  return {
    service,
    slices: all.filter((slice) => !ours(slice)),
    feed: all.find((slice) => ours(slice) && slice.metadata.name === feedName(name)),
  };
}

/** The Services of a namespace that send requests to pods with these labels. */
export function servicesSelecting(reads: FreshReads, namespace: string, pods: Labels): readonly Service[] {
  // Whatever selects them names one of their values: a namespace may have thousands of others.
  const named = Object.values(pods).flatMap((name) => reads.related<Service>(kinds.service, { namespace, name }));
  return [...new Set(named)].filter(({ spec }) => selects(spec.selector, pods));
}

interface View {
  readonly objects: ServiceObjects;
  readonly label: PrimaryLabel;
  readonly targetLabels: Labels;
  /** The Service whose pods the feed should list at this moment. */
  readonly feedFrom: ServiceObjects | undefined;
  /** It should list them for when nobody else is behind the Service. */
  readonly standby?: boolean;
  /** The selector that was found at adoption and is given back: it may not name the label at all. */
  readonly found?: Labels | undefined;
  readonly now: number;
}

export function viewOf({ objects, label, targetLabels, feedFrom, standby = false, found, now }: View): ServiceView {
  const { service, slices, feed } = objects;
  const ready = readyEndpoints(slices).length;
  return {
    exists: service !== undefined,
    selects: sameLabels(service?.spec.selector, found)
      ? "target"
      : selectsWhat(service?.spec.selector, label, targetLabels),
    ready,
    ...(feed === undefined
      ? {}
      : {
          feed: {
            // Filled at a moment that is still to come: by a clock that was set back since, who knows when.
            ageMs: changedAt(feed) > now ? Number.POSITIVE_INFINITY : now - changedAt(feed),
            current:
              feedFrom !== undefined &&
              changedAt(feed) <= now &&
              sameEndpoints(feed, feedFrom.slices, standby ? isOnStandby : isReady),
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
  if (value !== undefined && value === previousLabelOf(label).value) return "previous";
  return value !== undefined && value === targetLabels[label.key] ? "target" : "other";
}

/** Whether the feed lists just the ready addresses of those slices, in the right manner. */
function sameEndpoints(
  feed: EndpointSlice,
  slices: readonly EndpointSlice[],
  manner: (endpoint: Endpoint) => boolean,
): boolean {
  const wanted = addressesOf(slices, isReady);
  const fed = addressesOf([feed], manner);
  return wanted.length === fed.length && wanted.every((address, index) => address === fed[index]);
}

function addressesOf(slices: readonly EndpointSlice[], which: (endpoint: Endpoint) => boolean): string[] {
  return slices
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(which)
    .flatMap(({ addresses }) => addresses)
    .sort();
}

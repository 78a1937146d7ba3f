import { z } from "zod";
import type { Share } from "../api/share.ts";
import { kinds } from "../kube/kinds.ts";
import type { EndpointSlice, Labels, Service } from "../kube/objects.ts";
import { SERVICE_NAME_LABEL, SLICE_MANAGED_BY_LABEL } from "../kube/objects.ts";
import { ownSlice } from "../kube/ownSlice.ts";
import { readyAddresses } from "../kube/reachability.ts";
import { shareName, SLICE_MANAGER } from "../lib/names.ts";
import { podsForShare, shareOfPods } from "../lib/podShare.ts";
import { type Acceptance, type Backends, type RouteInput, routeKey, type Router } from "./router.ts";
import type { RouteRef, RouteView, RouteWrite } from "./router.ts";

/*
 * No router at all: the apex Service is the route, and its endpoints are the weight.
 *
 *   weight      selector of the apex     our slice behind the apex
 *   0           primary's pods           none
 *   1 to 99     primary's pods           as many of the canary's pods as make the share
 *   100         canary's pods            none
 *
 * While the selector moves, our slice lists the pods that it moves to, until the cluster lists them by itself: whatever
 * order a data plane sees it in, there is always somebody behind the Service. The pods of the side that is left stay.
 */

const schema = z
  .object({})
  .describe(
    "No gateway and no ingress: the endpoints of the apex Service make the weight. A step gives the canary the share " +
      "that whole pods can make beside the primary's. The same as leaving `traffic` out, with its times to set.",
  );

type ServiceBlock = z.infer<typeof schema>;
type Input = RouteInput<ServiceBlock>;
type Side = "primary" | "canary";

/** On our slice: the weight that it stands for, and whose pods it lists. */
const WEIGHT = "aviary.dev/weight";
const LISTS = "aviary.dev/lists";

const ROUTED = "(has(self.traffic) && !has(self.traffic.service))";

export const service: Router<ServiceBlock> = {
  name: "service",
  schema,
  settleMs: 3_000,
  specRules: [
    {
      rule: `${ROUTED} || !has(self.strategy) || !has(self.strategy.abTest)`,
      message: "nobody looks into requests without a router: name one in spec.traffic, or choose another strategy",
      fieldPath: ".strategy.abTest",
    },
    {
      rule: `${ROUTED} || !has(self.strategy) || !has(self.strategy.canary) || !has(self.strategy.canary.steps) || self.strategy.canary.steps.all(s, !has(s.mirror))`,
      message: "nobody copies requests without a router: name one in spec.traffic, or remove mirror from the steps",
      fieldPath: ".strategy.canary.steps",
    },
    ...["steps", "returnSteps"].map((list) => ({
      rule: `${ROUTED} || !has(self.strategy) || !has(self.strategy.canary) || !has(self.strategy.canary.${list}) || self.strategy.canary.${list}.all(s, !has(s.weight) || s.weight <= 50 || s.weight == 100)`,
      message:
        "without a router the pods make the share, and the canary has at most as many as the primary, which keeps its own: use weights up to 50 (100 follows by itself), or name a router in spec.traffic",
      fieldPath: `.strategy.canary.${list}`,
    })),
  ],
  refs({}: ServiceBlock, { namespace, name, canary }: Backends): readonly RouteRef[] {
    return [
      { kind: kinds.service, namespace, name },
      { kind: kinds.service, namespace, name: canary },
      { kind: kinds.endpointSlice, namespace, name: shareName(name) },
    ];
  },
  slicesOf: ({ name, primary, canary }: Backends) => [name, primary, canary],
  read(input: Input): RouteView {
    const apex = apexOf(input);
    const weight = apex === undefined ? undefined : weightOf(input, apex);
    return {
      ...(apex?.spec.type === "ExternalName" ? { problem: externalName(apex) } : {}),
      byEndpoints: true,
      weight,
      uniform: weight !== undefined && service.plan(input, { weight }).length === 0,
      acceptance: acceptanceOf(input, apex),
      managers: [],
      ...(weight === undefined ? {} : { share: shareReached(input, weight) }),
    };
  },
  plan(input: Input, { weight }: Share): readonly RouteWrite[] {
    const apex = apexOf(input);
    if (apex === undefined) return [];
    const wanted: Side = weight === 100 ? "canary" : "primary";
    if (sideOf(input, apex) !== wanted) {
      const move = pointAt(input, apex, wanted);
      return move === undefined ? [] : [...list(input, apex, { weight, from: wanted }), move];
    }
    const held = shareOf(input);
    const moving = held?.metadata.annotations?.[LISTS] === wanted && !isListed(input, wanted);
    // The cluster has not followed the selector yet, and our slice stands in for it.
    if (moving) return list(input, apex, { weight, from: wanted });
    if (weight === 0 || weight === 100) return remove(input);
    return list(input, apex, { weight, from: "canary" });
  },
  release: (input: Input) => remove(input),
};

function apexOf({ objects, backends: { namespace, name } }: Input): Service | undefined {
  return objects.get(routeKey({ kind: kinds.service, namespace, name })) as Service | undefined;
}

function shareOf({ objects, backends: { namespace, name } }: Input): EndpointSlice | undefined {
  const ref = { kind: kinds.endpointSlice, namespace, name: shareName(name) };
  return objects.get(routeKey(ref)) as EndpointSlice | undefined;
}

/** Slices that the cluster fills by the selector of a Service. */
function slicesOf({ objects }: Input, name: string): readonly EndpointSlice[] {
  return [...objects.values()].filter((object): object is EndpointSlice => {
    const { labels } = object.metadata;
    return (
      object.kind === kinds.endpointSlice.kind &&
      labels?.[SERVICE_NAME_LABEL] === name &&
      labels[SLICE_MANAGED_BY_LABEL] !== SLICE_MANAGER
    );
  });
}

/** Whose pods the selector chooses; undefined when it is neither side's. */
function sideOf(input: Input, { spec }: Service): Side | undefined {
  const { primaryLabel } = input.backends;
  const value = primaryLabel === undefined ? undefined : spec.selector?.[primaryLabel.key];
  if (value === undefined) return undefined;
  if (value === primaryLabel?.value) return "primary";
  return value === canaryValue(input) ? "canary" : undefined;
}

/** What the canary's pods have where the primary's have the primary's label. */
function canaryValue({ objects, backends: { namespace, canary, primaryLabel } }: Input): string | undefined {
  const leaf = objects.get(routeKey({ kind: kinds.service, namespace, name: canary })) as Service | undefined;
  return primaryLabel === undefined ? undefined : leaf?.spec.selector?.[primaryLabel.key];
}

function weightOf(input: Input, apex: Service): number | undefined {
  const side = sideOf(input, apex);
  if (side !== "primary") return side === "canary" ? 100 : undefined;
  const held = shareOf(input);
  return held === undefined ? 0 : percent(held.metadata.annotations?.[WEIGHT]);
}

function percent(text: string | undefined): number | undefined {
  return text !== undefined && /^(\d{1,2}|100)$/.test(text) ? Number(text) : undefined;
}

/** Whether the cluster lists pods of this side behind the apex, and none of the other. */
function isListed(input: Input, side: Side): boolean {
  const { name, primary, canary } = input.backends;
  const behind = new Set(readyAddresses(slicesOf(input, name)));
  const has = (leaf: string): boolean => readyAddresses(slicesOf(input, leaf)).some((address) => behind.has(address));
  return side === "primary" ? has(primary) && !has(canary) : has(canary) && !has(primary);
}

function acceptanceOf(input: Input, apex: Service | undefined): Acceptance {
  const side = apex === undefined ? undefined : sideOf(input, apex);
  if (side !== undefined && isListed(input, side)) return { state: "accepted" };
  const { name } = input.backends;
  return { state: "following", message: `the cluster is listing the ${side ?? "other"} pods behind Service ${name}` };
}

/** Percent of the ready endpoints behind the apex that are the canary's. */
function shareReached(input: Input, weight: number): number {
  const { name, canary } = input.backends;
  const held = shareOf(input);
  const behind = new Set([
    ...readyAddresses(slicesOf(input, name)),
    ...readyAddresses(held === undefined ? [] : [held]),
  ]);
  const ours = readyAddresses(slicesOf(input, canary)).filter((address) => behind.has(address)).length;
  return behind.size === 0 ? weight : Math.round(shareOfPods(ours, behind.size - ours));
}

function pointAt(input: Input, apex: Service, side: Side): RouteWrite | undefined {
  const { namespace, name, primaryLabel } = input.backends;
  const value = side === "primary" ? primaryLabel?.value : canaryValue(input);
  if (primaryLabel === undefined || value === undefined) return undefined;
  const before: Labels | undefined = apex.spec.selector;
  return {
    type: "jsonPatch",
    ref: { kind: kinds.service, namespace, name },
    operations: [
      ...(before === undefined ? [] : [{ op: "test", path: "/spec/selector", value: before } as const]),
      { op: "add", path: "/spec/selector", value: { ...before, [primaryLabel.key]: value } },
    ],
  };
}

interface Listing {
  readonly weight: number;
  /** The side whose pods are listed: all of them while a selector moves, else as many as make the share. */
  readonly from: Side;
}

function list(input: Input, apex: Service, { weight, from }: Listing): readonly RouteWrite[] {
  const { namespace, name, primary, canary } = input.backends;
  const beside = readyAddresses(slicesOf(input, primary)).length;
  const whole = from === "primary" || weight === 100;
  const slice = ownSlice({
    name: shareName(name),
    service: apex,
    annotations: { [WEIGHT]: String(weight), [LISTS]: from },
    sources: slicesOf(input, from === "primary" ? primary : canary),
    ...(whole ? {} : { most: podsForShare(weight, beside) }),
  });
  const held = shareOf(input);
  if (held !== undefined && says(held) === says(slice)) return [];
  const ref = { kind: kinds.endpointSlice, namespace, name: shareName(name) };
  return [{ type: "apply", ref, object: slice }];
}

/** What of a slice counts, whatever the API server fills in. */
function says(slice: EndpointSlice): string {
  const { annotations } = slice.metadata;
  const ports = (slice.ports ?? []).map(({ name, port }) => `${name ?? ""} ${port ?? ""}`);
  return JSON.stringify([
    annotations?.[WEIGHT],
    annotations?.[LISTS],
    slice.addressType,
    ports,
    readyAddresses([slice]),
  ]);
}

function remove(input: Input): readonly RouteWrite[] {
  const held = shareOf(input);
  if (held?.metadata.uid === undefined) return [];
  const { namespace, name } = input.backends;
  const ref = { kind: kinds.endpointSlice, namespace, name: shareName(name) };
  return [{ type: "delete", ref, uid: held.metadata.uid }];
}

function externalName({ metadata }: Service): NonNullable<RouteView["problem"]> {
  return {
    reason: "RouteConflict",
    message: `Service ${metadata.name} is an ExternalName and has no endpoints that could make a share`,
    hint: "make it a Service with a selector, or split the traffic by spec.traffic",
  };
}

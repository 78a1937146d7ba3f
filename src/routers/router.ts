import type { z } from "zod";
import type { KubeObject, ObjectRef, PatchOperation, ResourceKind } from "../kube/port.ts";

/** An object that a router reads or writes. */
export interface RouteRef extends ObjectRef {
  readonly kind: ResourceKind;
  readonly namespace: string;
}

/** The names that a pair of backends goes by. `primary` names what serves now, `canary` the new version. */
export interface Backends {
  readonly namespace: string;
  /** Base name: the target's, which is also the apex Service's. */
  readonly name: string;
  /** Leaf Service of the primary, `<name>-primary`. */
  readonly primary: string;
  /** Leaf Service of the canary, `<name>-canary`. */
  readonly canary: string;
  /** First port of the Services. */
  readonly port: number;
  /** The selector label of the primary's pods; the canary's have another value. */
  readonly primaryLabel?: { readonly key: string; readonly value: string } | undefined;
}

/** Whether the data plane's controller has taken over what the object says now. */
export type Acceptance =
  | { readonly state: "accepted" }
  /** Nothing has been said about this generation yet. After a time-out this counts as a warning, not as a failure. */
  | { readonly state: "unknown"; readonly message: string }
  /** Known not to have been taken over yet. There is no time-out. */
  | { readonly state: "following"; readonly message: string }
  | { readonly state: "rejected"; readonly reason: string; readonly message: string };

/** A mistake that only the cluster can tell, with what to do about it. */
export interface RouteProblem {
  readonly reason:
    "RouteNotFound" | "BackendsMissing" | "RouteKindMissing" | "RouteConflict" | "IngressNotFound" | "RuleNotFound";
  /** A sentence that names the object. */
  readonly message: string;
  /** What to do; may hold YAML to paste. */
  readonly hint: string;
}

/** What a router sees in the objects of a canary. */
export interface RouteView {
  readonly problem?: RouteProblem;
  /** Percent of requests to the canary, the largest over all managed rules; undefined when there is no pair yet. */
  readonly weight: number | undefined;
  /** True when every managed rule has exactly the weight that `plan` would write for `weight`. */
  readonly uniform: boolean;
  readonly acceptance: Acceptance;
  /**
   * The weight is made of the pods behind the apex Service itself: a share of whole pods, which is to be kept up to date
   * whatever else is wrong, and a selector that follows the weight.
   */
  readonly byEndpoints?: true;
  /** Percent that is really reached, where whole pods make it. */
  readonly share?: number;
  /** Managers that last wrote the weights, for telling who contends; from managedFields or our annotation. */
  readonly managers: readonly string[];
}

/** A write, computed by a router and performed by `act`. */
export type RouteWrite =
  | { readonly type: "jsonPatch"; readonly ref: RouteRef; readonly operations: readonly PatchOperation[] }
  /** Server-side apply; only for objects that Aviary made. */
  | { readonly type: "apply"; readonly ref: RouteRef; readonly object: KubeObject }
  | { readonly type: "delete"; readonly ref: RouteRef; readonly uid: string };

/** Everything a router may look at. `objects` holds what is in the caches, by `routeKey`. */
export interface RouteInput<Block> {
  readonly block: Block;
  readonly backends: Backends;
  readonly objects: ReadonlyMap<string, KubeObject>;
}

/**
 * How traffic is split on one data plane. All members are pure; `act` performs the writes.
 * The block is what the user wrote under `spec.traffic.<name>`.
 */
export interface Router<Block = unknown> {
  /** The key under `spec.traffic`, which is also the file's name. */
  readonly name: string;
  readonly schema: z.ZodType<Block>;
  /** How long this data plane usually takes to follow a change of weight, in milliseconds (traffic.md §1.5). */
  readonly settleMs: number;
  /** Kinds of which every object of the namespace is to be seen, since others can be in the way of ours. */
  readonly neighbours?: readonly ResourceKind[];
  /** Services of the canary whose EndpointSlices are to be seen, by name. */
  slicesOf?(backends: Backends): readonly string[];
  /** Objects to observe, whether they exist or not. */
  refs(block: Block, backends: Backends): readonly RouteRef[];
  read(input: RouteInput<Block>): RouteView;
  /**
   * Writes that make the pair's weights `weight` percent canary; empty when they are so already.
   * Only for inputs whose view has no problem that `plan` cannot mend (an own route, `addBackends`).
   */
  plan(input: RouteInput<Block>, weight: number): readonly RouteWrite[];
  /** Writes that hand the objects back at deletion: user's objects with weight 0 and without our marks. */
  release(input: RouteInput<Block>): readonly RouteWrite[];
}

/** Key of an object in `RouteInput.objects`. */
export function routeKey(ref: RouteRef): string {
  return `${ref.kind.kind}/${ref.namespace}/${ref.name}`;
}

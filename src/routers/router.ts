import type { z } from "zod";
import type { RequestMatch } from "../api/requestMatch.ts";
import type { CelRule } from "../api/schema.ts";
import type { Share } from "../api/share.ts";
import type { Mirror } from "../api/strategy.ts";
import type { FoundWeights } from "./foundWeights.ts";
import type { KubeObject, ObjectRef, PatchOperation, ResourceKind } from "../kube/port.ts";

/** An object that a router reads or writes. */
export interface RouteRef extends ObjectRef {
  readonly kind: ResourceKind;
  readonly namespace: string;
}

/** All objects of a kind in a namespace. */
export interface Neighbourhood {
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
    | "RouteNotFound"
    | "BackendsMissing"
    | "RouteKindMissing"
    | "RouteConflict"
    | "IngressNotFound"
    | "RuleNotFound"
    | "MirrorUnsafe"
    | "RouteNotGranted";
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
  /** Whether requests that match go to the canary beside the weight. */
  readonly matched?: boolean;
  /** Percent of the requests of which copies go to the canary, the largest over all managed rules. */
  readonly mirror?: number;
  /** True when `plan` would write nothing for `weight`, `matched` and `mirror`. */
  readonly uniform: boolean;
  readonly acceptance: Acceptance;
  /**
   * Routes that Aviary may not touch, for want of a ReferenceGrant: `weight` and `uniform` say nothing of them, and what
   * they say is what was written to them last.
   */
  readonly closed?: readonly string[];
  /** Weights that `release` cannot put back by itself, as they are now: of a route that was not written to yet. */
  readonly found?: readonly FoundWeights[];
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
  | {
      readonly type: "jsonPatch";
      readonly ref: RouteRef;
      readonly operations: readonly PatchOperation[];
      /** A field that the API server does not know is refused by it, where it would be dropped otherwise. */
      readonly strict?: boolean;
    }
  /** Server-side apply; only for objects that Aviary made. An unknown field is refused. */
  | { readonly type: "apply"; readonly ref: RouteRef; readonly object: KubeObject }
  | { readonly type: "delete"; readonly ref: RouteRef; readonly uid: string };

/** Everything a router may look at. `objects` holds what is in the caches, by `routeKey`. */
export interface RouteInput<Block> {
  readonly block: Block;
  readonly backends: Backends;
  readonly objects: ReadonlyMap<string, KubeObject>;
  /** The weights as they were found at adoption, for `release`. */
  readonly found?: readonly FoundWeights[];
  /** What the strategy will ask for beside weights. Left out: nothing. */
  readonly demand?: Demand;
}

/** What a strategy asks of a router beside weights. */
export interface Demand {
  /** Requests of an A/B test. */
  readonly matches: readonly RequestMatch[];
  /** The mirrors of all steps. */
  readonly mirrors: readonly Mirror[];
  /** Users are to stay where they were drawn to. */
  readonly affinity?: Affinity;
}

export interface Affinity {
  /** Name of the cookie. */
  readonly cookie: string;
  readonly maxAgeSeconds: number;
  /** Revision of the rollout: a cookie of another one says nothing. Empty while nothing is rolled out. */
  readonly revision: string;
  /** The weights of all steps. */
  readonly weights: readonly number[];
}

/**
 * How traffic is split on one data plane. All members are pure; `act` performs the writes.
 * The block is what the user wrote under `spec.traffic.<name>`.
 */
export interface Router<Block = unknown> {
  /** The key under `spec.traffic`, which is also the file's name. */
  readonly name: string;
  readonly schema: z.ZodType<Block>;
  /** What of a whole `spec` this data plane cannot do, as rules over `spec` that refuse it by name. */
  readonly specRules?: readonly CelRule[];
  /** How long this data plane usually takes to follow a change of weight, in milliseconds. */
  readonly settleMs: number;
  /** Who runs the data plane, where it is always the same; Gateway API routes say it in their status. */
  readonly controllers?: readonly string[];
  /** Where every object of a kind is to be seen, since any of them can matter. */
  neighbours?(block: Block, backends: Backends): readonly Neighbourhood[];
  /** Services of the canary whose EndpointSlices are to be seen, by name. */
  slicesOf?(backends: Backends): readonly string[];
  /** Objects to observe, whether they exist or not. One that may be served in several versions is there in each. */
  refs(block: Block, backends: Backends): readonly RouteRef[];
  read(input: RouteInput<Block>): RouteView;
  /**
   * Writes that give the canary its share; empty when it has that already.
   * Only for inputs whose view has no problem that `plan` cannot mend (an own route, `addBackends`).
   */
  plan(input: RouteInput<Block>, share: Share): readonly RouteWrite[];
  /** Writes that hand the objects back at deletion: user's objects with weight 0 and without our marks. */
  release(input: RouteInput<Block>): readonly RouteWrite[];
}

/** Key of an object in `RouteInput.objects`. */
export function routeKey(ref: RouteRef): string {
  return `${ref.kind.kind}/${ref.namespace}/${ref.name}`;
}

import type { Share } from "../api/share.ts";

/** Feeds a Service with the endpoints of another one, beside those that its selector finds (make before break). */
export type Feed =
  | {
      readonly service: "apex";
      readonly from: "primary" | "canary" | "previous";
      /** Only for when nobody else is behind the Service: marked as serving on their way out, not as ready. */
      readonly standby?: true;
    }
  | { readonly service: "primary"; readonly from: "canary" | "previous" };

/** One thing to do. `act` performs them in order and stops at the first failure. */
export type Action =
  | { readonly kind: "addFinalizer" }
  | { readonly kind: "removeFinalizer" }
  /** Leaf Services, and the apex where the user has none. */
  | { readonly kind: "ensureServices" }
  | ({ readonly kind: "feedService" } & Feed)
  | { readonly kind: "stopFeed"; readonly service: "apex" | "primary" }
  | {
      readonly kind: "pointService";
      readonly service: "apex" | "primary";
      readonly at: "primary" | "previous" | "target";
    }
  /**
   * The primary gets the target's template as it is now, and copies of its configuration before. `replicas` left out: its
   * autoscaler decides, now as before.
   */
  | { readonly kind: "ensurePrimary"; readonly replicas?: number; readonly revision: string }
  /** Pods of what the primary runs live on under a name and a label of their own, with a Service that lists them. */
  | { readonly kind: "keepPrevious"; readonly replicas: number; readonly revision: string }
  | { readonly kind: "deletePrevious" }
  /** The primary gets the template back that it had before. */
  | { readonly kind: "restorePrimary"; readonly revision: string }
  | { readonly kind: "restartPrimary"; readonly restartedAt: string }
  | { readonly kind: "scalePrimary"; readonly replicas: number }
  /** The primary's containers get these images again, in their order. */
  | { readonly kind: "restoreImages"; readonly images: readonly string[] }
  | { readonly kind: "deletePrimary" }
  /** Gives the canary exactly this share, in one write where the data plane allows it. */
  | ({ readonly kind: "setWeight" } & Share)
  /** Copies that the primary names and that somebody deleted. */
  | { readonly kind: "ensureCopies" }
  /** Copies that the primary does not name; all of them when it goes. */
  | { readonly kind: "removeCopies"; readonly which: "stale" | "all" }
  | { readonly kind: "releaseRoute" }
  | { readonly kind: "scaleTarget"; readonly replicas: number }
  /** While the canary has weight its pods do not change, whatever Git applies. */
  | { readonly kind: "freezeTarget"; readonly generation: number }
  /** The pods follow the template again. Only at weight 0, effective and drained. */
  | { readonly kind: "thawTarget" }
  /** Idle: so many pods, not frozen, its autoscaler paused. Only at weight 0, effective and drained. */
  | { readonly kind: "parkTarget"; readonly replicas: number }
  /** Makes the Job of a check, which is in the observation. */
  | { readonly kind: "runJob"; readonly check: string }
  | { readonly kind: "removeJob"; readonly name: string }
  | { readonly kind: "pauseAutoscaler" }
  | { readonly kind: "resumeAutoscaler" }
  /** Copies for the primary of what scales, or of what guards, the target's pods; and those of what is gone go. */
  | { readonly kind: "ensureCompanions"; readonly of: "autoscaler" | "guards" }
  | { readonly kind: "removeCompanions" }
  /** Hands the target back: the promoted template when it holds another one, and the primary's size. */
  | { readonly kind: "restoreTarget"; readonly replicas: number; readonly template: "keep" | "promoted" | "previous" };

/** Keeps the primary's ready pods behind the apex Service for when nobody else is. */
export const STAND_BY: Action = { kind: "feedService", service: "apex", from: "primary", standby: true };

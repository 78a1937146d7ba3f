import type { Canary } from "../api/canary.ts";
import type { CanaryStatus, ContendedField, HistoryEntry, Phase, Version } from "../api/status.ts";
import type { KubeObject } from "../kube/port.ts";
import type { RouteView } from "../routers/router.ts";
import type { Action } from "./actions.ts";
import type { Taken, TakenEvidence, TakenPods, TakenTile } from "./taken.ts";

/**
 * The data of one reconcile.
 *
 *   observe ── Observation ──▶ decide ── Decision ──▶ act ── report
 *
 * An Observation holds everything that one decision needs, with one `now`. A Decision holds absolute targets
 * ("weight 20", never "+10") and what is to be remembered, so that repeating it after a crash changes nothing.
 *
 *   target            the user's workload: runs the new version during a rollout, scaled to 0 in between
 *   primary           our copy of it, `<name>-primary`, which serves everyone
 *   apex Service      `<name>`; leaf Services: `<name>-primary`, `<name>-canary`
 *
 *                      apex ──┐
 *   route ── weight 100-w ────┴──▶ primary pods
 *         ── weight w ───────────▶ target's pods (through the canary Service alone)
 */
export interface Observation {
  /** Milliseconds since the Unix epoch; the only clock that rules know. */
  readonly now: number;
  readonly canary: Canary;
  /** What only the cluster can tell is wrong, and whose turn it is: the user's. */
  readonly problem?: Problem;
  readonly target?: Workload;
  readonly primary?: Workload;
  /** The version before, kept for a Rollback. */
  readonly previous?: Workload;
  readonly services: Services;
  /** The copies of the configuration that the primary's pods start with; absent when there are none, nor should be. */
  readonly copies?: Copies;
  /** What scales the target when nobody of ours does. */
  readonly autoscaler?: Autoscaler;
  /** Whether the primary's copies of what scales and guards the target are as they should be. */
  readonly companions: { readonly autoscaler: boolean; readonly guards: boolean };
  /** The selector label of the primary's pods. */
  readonly primaryLabel?: { readonly key: string; readonly value: string };
  /** The selector of the apex Service as it is now. */
  readonly apexSelector?: Readonly<Record<string, string>>;
  readonly route: RouteView;
  /** The routes in words, such as `HTTPRoute web`. */
  readonly routeName?: string;
  /** `spec.traffic` names other routes than those that have the traffic: `route` is still the latter. */
  readonly trafficChanged?: boolean;
  /** Who else has written what Aviary sets, by field; never Aviary itself. */
  readonly writers?: Readonly<Partial<Record<ContendedField, readonly string[]>>>;
  /** How long the data plane takes to follow a change of weight, in milliseconds. */
  readonly settleMs: number;
  /** How long pods are kept after their last request may have been sent, in milliseconds. */
  readonly drainMs: number;
  /** Readings taken for this look, by check name. A check that was not due has none. */
  readonly readings: Readonly<Record<string, Taken>>;
  /** What both versions did in the newest stretch of time that the status does not know of yet. */
  readonly tile?: TakenTile;
  /** How the canary's pods fare, when the status does not know of it yet. */
  readonly pods?: TakenPods;
  /** By check: the Jobs that judge the current step. */
  readonly jobs?: Readonly<Record<string, JobView>>;
  /** Jobs of this Canary that run on and that nobody asks for any more. */
  readonly strayJobs?: readonly KubeObject[];
  /** The last evidence about the weight that is waited for. */
  readonly evidence?: TakenEvidence;
  /** CanaryActions without an answer, the oldest first. */
  readonly requests: readonly Request[];
  readonly namespaceTerminating: boolean;
}

/** The Job of a check. */
export interface JobView {
  readonly name: string;
  readonly state: "Absent" | "Running" | "Succeeded" | "Failed";
  /** Why it failed; of one that runs, why its pod does not start. */
  readonly reason?: string;
  /** It failed by its deadline, whatever it was doing then. */
  readonly late?: boolean;
  /** No pod was ever made of it. */
  readonly podless?: boolean;
  /** The Job as it is made. */
  readonly manifest: KubeObject;
}

/** A user's mistake that only the cluster can tell. It becomes Stalled=True. */
export interface Problem {
  readonly reason: string;
  /** Names the object. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
  /** True when not even traffic can be moved back, for instance since the route is gone. */
  readonly blocksTraffic: boolean;
}

/** A Deployment, a DaemonSet or a StatefulSet as rules see it. */
export interface Workload {
  readonly uid: string;
  readonly generation: number;
  /** What its template says. For the primary: the revision it was copied from. */
  readonly version: Version;
  /** The size that is asked for; 0 is idle. */
  readonly replicas: number;
  /** It runs on every node that takes it, or nowhere: `replicas` cannot be chosen. */
  readonly perNode?: true;
  /** Its pods keep their template, whatever is applied. */
  readonly frozen: boolean;
  /** Pods of the newest template that are available; 0 while the controller has not seen the newest generation. */
  readonly available: number;
  /** Its rolling update has finished: every pod runs the newest template and is available, none is left over. */
  readonly settled: boolean;
  /** Pods of an older template that do not get ready keep its controller from trying the newest: they have to go first. */
  readonly stuck?: true;
  /** A rolling update takes a pod away before it brings the next: it cannot keep its size meanwhile. */
  readonly inPlace?: true;
  /** Of a target: its revision holds configuration beside the template, which running pods do not follow by themselves. */
  readonly configured?: boolean;
  /** Of a target: some of its configuration is not there or cannot be read, so its revision is not known yet. */
  readonly incomplete?: boolean;
  /** Of a target: its template is the one that the primary was made from, whatever its configuration says by now. */
  readonly sameTemplate?: boolean;
  /** Of a target: objects whose values are not the primary's, such as `ConfigMap web`. */
  readonly changed?: readonly string[];
  /** For the primary: the revision that it ran before and can be put back to. */
  readonly before?: string;
  /** Value of the restart annotation in the template, which is not part of the revision. */
  readonly restartedAt?: string;
  /** Why its pods are not ready, in the words of the cluster. */
  readonly trouble?: string;
}

/** The user's autoscaler of the target. */
export interface Autoscaler {
  readonly kind: "HorizontalPodAutoscaler" | "ScaledObject";
  readonly name: string;
  /** Replicas that it goes down to while there is no work. */
  readonly min: number;
  readonly max: number;
  /** Whether Aviary has it paused. Absent where it cannot be: it then sleeps by itself while the target is at 0. */
  readonly paused?: boolean;
}

/** A Service and who is behind it. */
export interface ServiceView {
  readonly exists: boolean;
  /** It is as Aviary wants it: ports, labels, selector. For the apex: its selector. */
  readonly selects: "primary" | "previous" | "target" | "other";
  /** Ready, not terminating endpoints that the cluster put behind it by its selector. */
  readonly ready: number;
  /** The slice that Aviary feeds it with for the time of a switch. */
  readonly feed?: {
    readonly ageMs: number;
    /** It lists the pods that it should, and as it should. */
    readonly current: boolean;
  };
}

export interface Services {
  readonly apex: ServiceView;
  readonly primary: ServiceView;
  readonly canary: ServiceView;
  /** Lists the pods that are kept for a Rollback; nobody sends traffic to it. */
  readonly previous: ServiceView;
  /** The leaf Services (and the apex, where it is ours) exist with the right ports. */
  readonly complete: boolean;
}

/** Copies by name, such as `ConfigMap web-primary-0a1b2c3d4e`. */
export interface Copies {
  /** All there are. */
  readonly held: readonly string[];
  /** Those of them that the primary does not name. */
  readonly stale: readonly string[];
  /** The primary names them, they are not there, and what they were copied from still has their values. */
  readonly gone: readonly string[];
  /** The primary names them, they are not there, and their values are not there either. */
  readonly lost: readonly string[];
}

export type RequestedAction =
  "Approve" | "Pause" | "Resume" | "Promote" | "PromoteFull" | "Skip" | "Abort" | "Retry" | "Rollback";

/** A CanaryAction that waits for an answer. */
export interface Request {
  readonly uid: string;
  readonly name: string;
  readonly action: RequestedAction;
  /** When it was asked, to the second. */
  readonly created?: string;
  readonly revision?: string;
  readonly step?: number;
  readonly reason?: string;
  readonly requestedBy?: string;
  /** It was decided, and the API server has refused the answer so far. */
  readonly decided?: true;
}

/** What Aviary remembers of a canary between two looks; it lives in the status. */
export type Memory = Pick<
  CanaryStatus,
  | "promoted"
  | "failed"
  | "rollout"
  | "checks"
  | "adopted"
  | "autoscaler"
  | "drainingSince"
  | "waitingSince"
  | "primaryLabel"
  | "traffic"
  | "contention"
  | "previous"
  | "rollback"
  | "obeyed"
  | "runningJobs"
>;

/** The answer to a CanaryAction, written after the status that holds its effect. */
export interface Answer {
  readonly request: Request;
  readonly phase: "Applied" | "Refused";
  readonly message: string;
}

export interface Reason {
  readonly reason: string;
  readonly message: string;
}

export interface Decision {
  /** Name of the rule that answered: status, event, log and metrics call it so. */
  readonly rule: string;
  readonly phase: Phase;
  /** One sentence for people. */
  readonly message: string;
  readonly actions: readonly Action[];
  readonly memory: Memory;
  /** A rollout that has ended with this decision. */
  readonly ended?: HistoryEntry;
  readonly stalled?: Reason;
  /** What it waits for in phase Paused. */
  readonly awaiting?: Reason;
  /** Something that people should know, and that stops nothing. */
  readonly warning?: Reason;
  /** What its actions put back that somebody else has changed. */
  readonly reasserts?: ContendedField;
  readonly answers?: readonly Answer[];
  /** Only requests are answered; the status stays as it is. */
  readonly statusStays?: true;
  /** Look again after so many milliseconds even when nothing happens. */
  readonly recheckAfterMs?: number;
}

import type { CanaryStatus, HistoryEntry, RolloutOutcome, Why } from "../api/status.ts";
import { annotations } from "../lib/names.ts";
import { imagesOf, isImage, trueCondition } from "./canaryObject.ts";
import type { CanaryObject, Workload } from "./canaryObject.ts";
import type { Ending } from "./exitCodes.ts";

/** Which revision is meant; the one that the workload has at the first look when nothing is said. */
export interface Wanted {
  readonly image?: string;
  readonly release?: string;
  readonly revision?: string;
}

/** What is known of the cluster now; undefined where there is no such object. */
export interface Seen {
  readonly canary: CanaryObject | undefined;
  readonly workload: Workload | undefined;
}

export interface FollowOptions {
  readonly wanted: Wanted;
  /** Whether to go on waiting while a person is waited for. */
  readonly throughHolds: boolean;
  /** How long a Canary has to be stalled before that is an ending: some mistakes are mended by the next object. */
  readonly stallGraceMs: number;
}

/** What one look says: there is more to wait for, or how it ended. */
export type Finding =
  | { readonly kind: "wait"; readonly message: string; readonly lookAgainInMs?: number }
  | { readonly kind: "end"; readonly ending: Ending; readonly message: string };

/** Follows one revision from the change of its workload to its end. */
export interface Follower {
  look(seen: Seen, nowMs: number): Finding;
}

/** Reasons for which a person has to do something; others end by themselves. */
const HELD_BY_PEOPLE: ReadonlySet<string> = new Set(["AwaitingApproval", "PausedByRequest", "Suspended"]);

/** The change that is followed, before the controller has given it a revision. */
interface Change {
  readonly template: string;
  readonly release: string | undefined;
  /** Generations of the workload that were seen with this template. */
  readonly generations: Set<number>;
}

/**
 * No look answers "promoted" for a change that the controller has not noticed: the status must speak of a generation of
 * the workload that was seen with the wanted template, and of the wanted release. Only then its revision is taken.
 */
export function createFollower(options: FollowOptions): Follower {
  const { wanted } = options;
  let change: Change | undefined;
  let revision = wanted.revision;
  let before: ReadonlySet<string> = new Set();
  let stalledSince: number | undefined;

  const pin = (status: CanaryStatus | undefined, workload: Workload): Finding | undefined => {
    const missing = missingFrom(workload, wanted);
    if (change === undefined && missing !== undefined) return waitFor(missing);
    const template = JSON.stringify(workload.spec.template);
    change ??= { template, release: workload.metadata.annotations?.[annotations.release], generations: new Set() };
    if (template !== change.template) {
      return { kind: "end", ending: "superseded", message: `${nameOf(workload)} was changed again` };
    }
    const generation = workload.metadata.generation ?? 0;
    change.generations.add(generation);
    const [target] = status?.targets ?? [];
    if (target === undefined || !change.generations.has(target.generation)) {
      return waitFor(`the controller has not seen generation ${generation} of ${nameOf(workload)} yet`);
    }
    if (wanted.release !== undefined && target.release !== wanted.release) {
      return waitFor(`the controller has not seen release ${wanted.release} yet`);
    }
    revision = target.revision;
    before = new Set((status?.history ?? []).map(keyOf));
    return undefined;
  };

  const patience = (finding: Finding, status: CanaryStatus | undefined, nowMs: number): Finding => {
    const stalled = trueCondition(status, "Stalled");
    if (finding.kind === "end" || stalled === undefined || stalled.reason === "RolledBack") {
      stalledSince = undefined;
      return finding;
    }
    stalledSince ??= nowMs;
    const leftMs = stalledSince + options.stallGraceMs - nowMs;
    const message = `${stalled.reason}: ${stalled.message}`;
    return leftMs > 0 ? { kind: "wait", message, lookAgainInMs: leftMs } : { kind: "end", ending: "stalled", message };
  };

  return {
    look({ canary, workload }, nowMs) {
      if (canary === undefined) return gone("the Canary");
      if (canary.metadata.deletionTimestamp !== undefined) return gone("the Canary");
      if (workload === undefined) return gone(`${canary.spec.targetRef.kind} ${canary.spec.targetRef.name}`);
      const { status } = canary;
      const unpinned = revision === undefined ? pin(status, workload) : undefined;
      if (unpinned !== undefined) return patience(unpinned, status, nowMs);
      return patience(verdictOn(status, { ...options, revision: revision ?? "", before }), status, nowMs);
    },
  };
}

interface Pinned extends FollowOptions {
  readonly revision: string;
  /** Entries of the history that were there before the revision was taken. */
  readonly before: ReadonlySet<string>;
}

/** What the status says of one revision. */
function verdictOn(status: CanaryStatus | undefined, pinned: Pinned): Finding {
  const { revision, before, wanted } = pinned;
  const [target] = status?.targets ?? [];
  const underWay = status?.rollout?.revision === revision;
  const ended = status?.history?.find((entry) => entry.revision === revision && !before.has(keyOf(entry)));
  if (target?.revision === revision && target.result !== undefined) {
    const why = ended?.why ?? (status?.failed?.revision === revision ? status.failed.why : undefined);
    return endOf(ended?.outcome ?? target.result, why, revision);
  }
  if (ended !== undefined && !underWay) return endOf(ended.outcome, ended.why, revision);
  if (target?.revision !== revision && !underWay) {
    if (status?.promoted?.revision === revision) return endOf("Succeeded", undefined, revision);
    // A revision that was given by name may not have come yet.
    if (wanted.revision !== undefined) return waitFor(`revision ${revision} has not been seen yet`);
    const by = target === undefined ? "another revision" : `revision ${target.revision}`;
    return { kind: "end", ending: "superseded", message: `${by} took the place of revision ${revision}` };
  }
  const waiting = trueCondition(status, "Reconciling");
  if (status?.phase === "Paused" && waiting !== undefined && HELD_BY_PEOPLE.has(waiting.reason)) {
    const message = `${waiting.reason}: ${waiting.message}`;
    if (!pinned.throughHolds) return { kind: "end", ending: "held", message };
  }
  return waitFor(status?.why?.message ?? "the controller has said nothing yet");
}

function endOf(outcome: RolloutOutcome, cause: Why | undefined, revision: string): Finding {
  const what = `revision ${revision}`;
  const why = cause === undefined ? "" : `: ${cause.message}`;
  switch (outcome) {
    case "Succeeded":
      return { kind: "end", ending: "ok", message: `${what} is promoted` };
    case "Skipped":
      return { kind: "end", ending: "ok", message: `${what} is promoted without analysis${why}` };
    case "Failed":
      return { kind: "end", ending: "rolledBack", message: `${what} was rolled back${why}` };
    case "Superseded":
    case "Reverted":
      return { kind: "end", ending: "superseded", message: `${what} was ${outcome.toLowerCase()}${why}` };
  }
}

function missingFrom(workload: Workload, { image, release }: Wanted): string | undefined {
  const images = imagesOf(workload);
  if (image !== undefined && !images.some((held) => isImage(held, image))) {
    return `${nameOf(workload)} does not have image ${image} yet, but ${images.join(", ")}`;
  }
  const held = workload.metadata.annotations?.[annotations.release];
  if (release === undefined || held === release) return undefined;
  return `${nameOf(workload)} does not have ${annotations.release}: ${release} yet, but ${held ?? "none"}`;
}

function nameOf({ kind, metadata }: Workload): string {
  return `${kind} ${metadata.name}`;
}

function keyOf({ revision, startedAt, finishedAt }: HistoryEntry): string {
  return [revision, startedAt, finishedAt].join(" ");
}

function gone(what: string): Finding {
  return { kind: "end", ending: "notFound", message: `${what} is gone, or is being deleted` };
}

function waitFor(message: string): Finding {
  return { kind: "wait", message };
}

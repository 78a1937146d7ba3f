import { isUsed, showShare } from "../api/share.ts";
import type { Share } from "../api/share.ts";
import type { Action } from "../decide/actions.ts";
import type { Observation } from "../decide/types.ts";

/** A write that would break what must always be true. It is a bug of Aviary's, and it is not performed. */
export class InvariantError extends Error {
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`refused to break "${invariant}": ${detail}`);
    this.name = "InvariantError";
    this.invariant = invariant;
  }
}

/**
 * What must be true before an action is performed (docs/architecture.md, Invariants). The last line of defence,
 * independent of the rules: a rule that forgets a wait fails here, loudly, instead of at a user's request.
 *
 * @throws InvariantError
 */
export function assertInvariants(action: Action, o: Observation): void {
  switch (action.kind) {
    case "setWeight":
      assertShare(action, o);
      return;
    case "parkTarget":
    case "thawTarget":
      assertUnused(action.kind, o);
      return;
    case "ensurePrimary":
      assertPrimaryMayChange(action.revision, o);
      assertLookedAt(action.revision, o);
      if (action.replicas !== undefined) assertCapacity(action.replicas, o);
      return;
    case "restorePrimary":
      assertPrimaryMayChange(action.revision, o);
      return;
    case "freezeTarget":
      if (o.target !== undefined && o.target.generation === action.generation) return;
      throw new InvariantError("the frozen pods are the ready ones", "the target changed since it was looked at");
    case "pointService":
      assertSomebodyBehind(action, o);
      return;
    case "stopFeed":
      assertSomebodyLeft(action.service, o);
      return;
    case "restoreTarget":
      assertUsersLeft(action.template, o);
      return;
    case "scalePrimary":
      assertCapacity(action.replicas, o);
      return;
    case "scaleTarget":
      assertNotFewer(action.replicas, o);
      return;
    case "removeCompanions":
      if (o.primary !== undefined) assertHandedBack(o);
      return;
    case "keepPrevious":
    case "deletePrevious":
      assertNotServing(action.kind, o);
      return;
    case "deletePrimary":
      assertHandedBack(o);
      return;
    case "removeCopies":
      assertNobodyNeedsCopies(action.which, o);
      return;
    case "ensureCopies":
    case "addFinalizer":
    case "removeFinalizer":
    case "ensureServices":
    case "feedService":
    case "restartPrimary":
    case "restoreImages":
    case "releaseRoute":
    case "ensureCompanions":
    case "pauseAutoscaler":
    case "runJob":
    case "removeJob":
    case "resumeAutoscaler":
      return;
  }
}

function assertShare(share: Share, o: Observation): void {
  const { weight } = share;
  if (!Number.isInteger(weight) || weight < 0 || weight > 100) {
    throw new InvariantError("weights are 0 to 100", `asked for ${weight}`);
  }
  const { canary, primary } = o.services;
  if (isUsed(share) && canary.ready === 0) {
    throw new InvariantError(
      "no weight without ready endpoints",
      `${showShare(share)}, but no canary endpoint is ready`,
    );
  }
  const adopting = o.canary.status?.promoted === undefined;
  // Where nobody answers on either side, nobody is lost.
  if (weight < 100 && primary.ready === 0 && canary.ready > 0 && !adopting && takesBack(o, share)) {
    throw new InvariantError(
      "no traffic to a primary that is not ready",
      `weight ${weight}, but no primary endpoint is ready`,
    );
  }
}

/** Whether users who are on the canary now are to go to the primary. */
function takesBack({ route }: Observation, { weight, matched }: Share): boolean {
  return (route.weight ?? 0) > weight || (route.matched === true && matched !== true);
}

function assertUnused(kind: string, o: Observation): void {
  const { weight = 0, matched, mirror } = o.route;
  if (isUsed(o.route)) {
    throw new InvariantError("pods leave only at weight 0", `${kind} at ${showShare({ weight, matched, mirror })}`);
  }
  const { closed = [] } = o.route;
  if (closed.length > 0) {
    throw new InvariantError("pods leave only at weight 0", `${kind}, but nobody may look into ${closed.join(", ")}`);
  }
}

/** Its autoscaler may have scaled it up. */
function assertNotFewer(replicas: number, { target }: Observation): void {
  if (target === undefined || replicas >= target.replicas) return;
  throw new InvariantError("a canary is never scaled down", `from ${target.replicas} to ${replicas}`);
}

/** Of an autoscaler's own accord it may go down; Aviary never makes it. */
function assertCapacity(replicas: number, { primary, canary }: Observation): void {
  // While a target is adopted, the primary follows its size.
  if (primary === undefined || replicas >= primary.replicas || canary.status?.promoted === undefined) return;
  throw new InvariantError("the primary keeps its capacity", `from ${primary.replicas} to ${replicas}`);
}

/** At the hand-back the target's pods change again. Where its users cannot be moved before, they are where they stay. */
function assertUsersLeft(template: "keep" | "promoted" | "previous", o: Observation): void {
  const { route, services, target, problem } = o;
  if (template === "keep" && target?.frozen !== true) return;
  const stay = services.primary.ready === 0 || problem?.blocksTraffic === true;
  const handedBack = services.primary.selects === "target" || route.byEndpoints === true;
  if (stay || handedBack || !isUsed(route)) return;
  throw new InvariantError("pods change only at weight 0", `restoreTarget at weight ${route.weight ?? 0}`);
}

/** A list of ours may be all that a Service has. At a deletion the apex goes back to being its owner's. */
function assertSomebodyLeft(service: "apex" | "primary", { services, canary }: Observation): void {
  const { feed, ready } = services[service];
  const leaves = service === "apex" && canary.metadata.deletionTimestamp !== undefined;
  if (feed === undefined || ready > 0 || leaves) return;
  throw new InvariantError("a Service keeps somebody behind it", `the ${service} Service has only what we list`);
}

function assertPrimaryMayChange(revision: string, o: Observation): void {
  const { primary, route, services, canary } = o;
  // While a target is adopted, its own pods still answer for the primary.
  if (primary === undefined || primary.version.revision === revision || canary.status?.promoted === undefined) return;
  // The version before serves everyone from pods of its own.
  const away = services.primary.selects === "previous" && services.apex.selects !== "primary";
  if (away && services.previous.ready > 0) return;
  if (route.weight !== 100 || !route.uniform || services.canary.ready === 0) {
    throw new InvariantError(
      "the primary changes only while the canary serves everyone",
      `weight ${route.weight ?? "unknown"}, ${services.canary.ready} ready canary endpoints`,
    );
  }
  if (primary.inPlace === true && route.byEndpoints !== true && services.apex.exists && !isCarried(services)) {
    throw new InvariantError(
      "the primary changes in place only while the canary's pods are behind its Services",
      "they are not listed there",
    );
  }
}

function isCarried({ apex, primary }: Observation["services"]): boolean {
  return apex.feed?.current === true && primary.feed?.current === true;
}

function assertLookedAt(revision: string, { target }: Observation): void {
  if (target === undefined || target.version.revision === revision) return;
  throw new InvariantError(
    "the primary gets the revision that was meant",
    `asked for ${revision}, but the target holds ${target.version.revision}`,
  );
}

function assertNobodyNeedsCopies(which: "stale" | "all", o: Observation): void {
  if (o.primary === undefined) return;
  if (which === "all") return assertHandedBack(o);
  // Pods of the template before still name them, and need them whenever a container of theirs starts again.
  if (!o.primary.settled)
    throw new InvariantError("copies go only when no pod names them", "the primary's rolling update has not finished");
}

function assertSomebodyBehind({ service, at }: Extract<Action, { kind: "pointService" }>, o: Observation): void {
  const ready = readyOf(at, o);
  // Where nobody is behind it now, nobody is lost.
  if (ready === 0 && o.services[service].ready > 0)
    throw new InvariantError("a Service is never pointed at nobody", `no endpoint of the ${at} is ready`);
}

function readyOf(at: "primary" | "previous" | "target", { services, primary }: Observation): number {
  if (at === "target") return services.canary.ready;
  if (at === "previous") return services.previous.ready;
  // While the primary Service is elsewhere, only the workload knows of the primary's pods.
  return services.primary.selects === "primary" ? services.primary.ready : (primary?.available ?? 0);
}

function assertNotServing(kind: string, { services, previous, primary }: Observation): void {
  if (services.primary.selects !== "previous" && services.apex.selects !== "previous") return;
  if (kind === "keepPrevious" && previous?.version.revision === primary?.version.revision) return;
  throw new InvariantError("pods that serve stay as they are", `${kind} while a Service selects the kept pods`);
}

function assertHandedBack(o: Observation): void {
  if (o.services.primary.exists && o.services.primary.selects !== "target") {
    throw new InvariantError("the primary goes only when nobody uses it", "the primary Service still selects its pods");
  }
}

import type { Canary } from "../api/canary.ts";
import type { Problem } from "../decide/types.ts";
import { claimedNames, claimedRoutes, ownNames } from "../kube/claims.ts";
import type { ClaimedRoute, StoredCanary } from "../kube/claims.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import { isOurs } from "../lib/names.ts";
import type { Scene } from "./scene.ts";

/*
 * What two Canaries cannot share: a target, a name of what Aviary makes, a route. Who has been adopted keeps it; among
 * the others the older Canary does.
 */

interface RivalInput {
  readonly scene: Mine;
  readonly reads: Pick<FreshReads, "related">;
}

type Mine = Pick<Scene, "canary" | "names" | "target" | "workload" | "trafficChanged">;

/** Whether another Canary was there first. An adopted one was, whatever the clocks of two API servers say. */
function precedes({ metadata: theirs, status }: StoredCanary, { metadata: mine }: Canary): boolean {
  if (status?.promoted !== undefined) return true;
  const [created = "", own = ""] = [theirs.creationTimestamp, mine.creationTimestamp];
  return created < own || (created === own && theirs.name < mine.name);
}

/** Other Canaries that claim the object, or the name, at a place. */
function rivalsAt(
  { scene: { canary }, reads }: RivalInput,
  place: { readonly namespace: string; readonly name: string },
): readonly StoredCanary[] {
  const { namespace = "default", name } = canary.metadata;
  return reads
    .related<StoredCanary>(kinds.canary, place)
    .filter(({ metadata }) => metadata.name !== name || metadata.namespace !== namespace);
}

/** The target, or a name that is needed for it, belongs to another Canary; or Aviary itself made the target. */
export function sharedTarget(input: RivalInput): Problem | undefined {
  const { canary, names, target, workload } = input.scene;
  const { namespace } = names;
  if (canary.status?.promoted !== undefined) return undefined;
  for (const name of ownNames(names)) {
    const rival = rivalsAt(input, { namespace, name }).find(
      (other) =>
        other.metadata.namespace === namespace && claimedNames(other).includes(name) && precedes(other, canary),
    );
    if (rival !== undefined) return nameShared(name, rival, input.scene);
  }
  if (target === undefined || !isOurs(target)) return undefined;
  return {
    reason: "TargetUnsupported",
    message: `${workload.kind.kind} ${names.target} was made by Aviary for another target`,
    hint: "let a new Canary name that one",
    blocksTraffic: false,
  };
}

function nameShared(name: string, { metadata, spec }: StoredCanary, { names, workload }: Mine): Problem {
  const theirs = spec?.targetRef?.name ?? "";
  if (theirs === names.target) {
    return {
      reason: "TargetShared",
      message: `${workload.kind.kind} ${theirs} belongs to Canary ${metadata.name} already`,
      hint: "delete one of the two Canaries",
      blocksTraffic: false,
    };
  }
  return {
    reason: "NameTaken",
    message: `the name ${name} belongs to Canary ${metadata.name} already: of its target ${theirs} the names with -primary, -canary and -previous are needed too`,
    hint: `rename ${names.target} or ${theirs}`,
    blocksTraffic: false,
  };
}

/** Weights of two canaries in one route would need two annotations, and two opinions about its other rules. */
export function sharedRoute(input: RivalInput): Problem | undefined {
  const { canary, trafficChanged } = input.scene;
  const adopted = canary.status?.promoted !== undefined;
  if (adopted && !trafficChanged) return undefined;
  const { router, block } = canary.spec.traffic;
  const { metadata } = canary;
  for (const route of claimedRoutes({ ...canary, metadata, spec: { traffic: { [router]: block } }, status: {} })) {
    const rival = rivalsAt(input, route).find(
      (other) => claimedRoutes(other).some((one) => sameRoute(one, route)) && (adopted || precedes(other, canary)),
    );
    if (rival === undefined) continue;
    const within = (namespace = "default") => (namespace === (metadata.namespace ?? "default") ? "" : `${namespace}/`);
    return {
      reason: "RouteShared",
      message: `${route.kind} ${within(route.namespace)}${route.name} belongs to Canary ${within(rival.metadata.namespace)}${rival.metadata.name} already`,
      hint: "give each of them a route of its own: several HTTPRoutes can share a host name",
      blocksTraffic: false,
    };
  }
  return undefined;
}

function sameRoute(a: ClaimedRoute, b: ClaimedRoute): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

import type { Deployment, IntOrString } from "../../kube/objects.ts";
import type { ReplicaSet } from "../kinds.ts";

/** A ReplicaSet and the size that it should have. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** How far a rolling update may go above and below the wanted size, in pods. */
export interface Bounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** The ReplicaSets of a Deployment: the one that has its template now, if any, and the others, the oldest first. */
export interface Sets {
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

export const sizeOf = (set: ReplicaSet): number => set.spec.replicas ?? 1;

export const wantedOf = (deployment: Deployment): number => deployment.spec.replicas ?? 1;

/** Never more than the wanted size: right after a scale-down the status still counts the pods that will go. */
const availableOf = (set: ReplicaSet): number => Math.min(sizeOf(set), set.status?.availableReplicas ?? 0);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

export function allSets({ current, old }: Sets): readonly ReplicaSet[] {
  return current === undefined ? old : [...old, current];
}

/** Resolves percentages: a surge is rounded up, unavailability down; when both are 0, one pod may be unavailable. */
export function boundsOf(deployment: Deployment): Bounds {
  const { type, rollingUpdate } = deployment.spec.strategy ?? {};
  const wanted = wantedOf(deployment);
  if (type === "Recreate") return { maxSurge: 0, maxUnavailable: wanted };
  const maxSurge = resolvePods(rollingUpdate?.maxSurge ?? "25%", wanted, Math.ceil);
  const maxUnavailable = resolvePods(rollingUpdate?.maxUnavailable ?? "25%", wanted, Math.floor);
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

/** A number or a percentage of pods, in pods. */
export function resolvePods(value: IntOrString, total: number, round: (exact: number) => number): number {
  if (typeof value === "number") return value;
  const number = Number.parseInt(value, 10);
  return value.endsWith("%") ? round((number * total) / 100) : number;
}

/** The size that the current ReplicaSet may have now: as much as the surge leaves room for. */
export function currentSize(deployment: Deployment, sets: Sets): number {
  const wanted = wantedOf(deployment);
  const size = sets.current === undefined ? 0 : sizeOf(sets.current);
  if (size >= wanted) return wanted;
  if (deployment.spec.strategy?.type === "Recreate") return wanted;
  const room = wanted + boundsOf(deployment).maxSurge - sum(allSets(sets).map(sizeOf));
  return size + Math.max(0, Math.min(room, wanted - size));
}

/**
 * Sizes of the old ReplicaSets in the next moment of a rolling update: pods that are not available go first, then
 * available ones as long as `wanted - maxUnavailable` of them stay.
 */
export function shrinkOld(deployment: Deployment, sets: Sets): readonly Resize[] {
  const minAvailable = wantedOf(deployment) - boundsOf(deployment).maxUnavailable;
  const { current } = sets;
  const pending = current === undefined ? 0 : sizeOf(current) - availableOf(current);
  const removable = sum(allSets(sets).map(sizeOf)) - minAvailable - pending;
  if (removable <= 0) return [];
  const sizes = new Map(sets.old.map((set) => [set, sizeOf(set)]));
  let unhealthy = removable;
  for (const set of sets.old) {
    const cut = Math.min(unhealthy, sizeOf(set) - availableOf(set));
    sizes.set(set, sizeOf(set) - cut);
    unhealthy -= cut;
  }
  let healthy = Math.min(unhealthy, sum(allSets(sets).map(availableOf)) - minAvailable);
  for (const set of sets.old) {
    const cut = Math.max(0, Math.min(healthy, sizes.get(set) ?? 0));
    sizes.set(set, (sizes.get(set) ?? 0) - cut);
    healthy -= cut;
  }
  return changed([...sizes].map(([set, replicas]) => ({ set, replicas })));
}

/** Sizes after the Deployment was scaled, without rolling anything: each ReplicaSet keeps its share. */
export function scaleProportionally(deployment: Deployment, sets: Sets, annotatedMax: SizeMemory): readonly Resize[] {
  const wanted = wantedOf(deployment);
  const active = allSets(sets).filter((set) => sizeOf(set) > 0);
  const only = active.length === 0 ? (sets.current ?? sets.old.at(-1)) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) return changed([{ set: only, replicas: wanted }]);
  const { current } = sets;
  if (current !== undefined && sizeOf(current) === wanted && availableOf(current) === wanted) {
    return changed(sets.old.map((set) => ({ set, replicas: 0 })));
  }
  const allowed = wanted === 0 ? 0 : wanted + boundsOf(deployment).maxSurge;
  const toAdd = allowed - sum(active.map(sizeOf));
  return changed(shareOut({ active, toAdd, allowed, current, annotatedMax }));
}

/** The most pods that the Deployment was allowed when this set was last sized; undefined when nobody wrote it down. */
export type SizeMemory = (set: ReplicaSet) => number | undefined;

interface Shares {
  readonly active: readonly ReplicaSet[];
  readonly toAdd: number;
  readonly allowed: number;
  readonly current: ReplicaSet | undefined;
  readonly annotatedMax: SizeMemory;
}

function shareOut({ active, toAdd, allowed, current, annotatedMax }: Shares): Resize[] {
  // The largest takes the rounding; of equal ones the newer grows and the older shrinks.
  const newestFirst = (set: ReplicaSet): number => (set === current ? active.length : active.indexOf(set));
  const ordered = active.toSorted(
    (a, b) => sizeOf(b) - sizeOf(a) || Math.sign(toAdd) * (newestFirst(b) - newestFirst(a)),
  );
  let left = toAdd;
  const resized = ordered.map((set) => {
    const before = annotatedMax(set) ?? sum(active.map(sizeOf));
    const exact = Math.round((sizeOf(set) * allowed) / Math.max(1, before)) - sizeOf(set);
    const share = toAdd >= 0 ? Math.max(0, Math.min(exact, left)) : Math.min(0, Math.max(exact, left));
    left -= share;
    return { set, replicas: sizeOf(set) + share };
  });
  const [first, ...rest] = resized;
  return first === undefined ? [] : [{ ...first, replicas: Math.max(0, first.replicas + left) }, ...rest];
}

function changed(resizes: readonly Resize[]): readonly Resize[] {
  return resizes.filter(({ set, replicas }) => sizeOf(set) !== replicas);
}

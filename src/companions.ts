import type { Informers } from "./kube/informer.ts";
import { kinds } from "./kube/kinds.ts";
import type { KubeObject, ResourceKind } from "./kube/port.ts";
import { COPY_FOR, isOurs } from "./lib/names.ts";
import { isKedas } from "./observe/autoscaler.ts";

/** What scales and guards a target, and the primary's copies of it. */
export const companionKinds: readonly ResourceKind[] = [
  kinds.horizontalPodAutoscaler,
  kinds.scaledObject,
  kinds.podDisruptionBudget,
  kinds.networkPolicy,
];

interface CompanionOptions {
  readonly informers: Informers;
  readonly keep: (object: KubeObject) => KubeObject;
  /** Wakes the canaries that look at what belongs to a target of this name. */
  readonly wake: (kind: ResourceKind, namespace: string, target: string) => void;
  readonly wakeAll: (namespace: string | undefined) => void;
}

/**
 * Watches what scales and guards targets. KEDA is looked for only where there is a sign of it: asking again and again
 * for a kind that nobody has would be all that a controller at rest does.
 */
export function watchCompanions({ informers, keep, wake, wakeAll }: CompanionOptions): { followKeda(): void } {
  const watch = (kind: ResourceKind, tell: (object: KubeObject) => void): void => {
    informers.onChange(kind, ({ before, after }) => {
      // Their status changes all the time, and is not looked at.
      if (textOf(before) === textOf(after)) return;
      for (const object of [before, after]) if (object !== undefined) tell(object);
    });
  };
  const wakeOwner = (kind: ResourceKind, object: KubeObject): void => {
    const { namespace = "", labels } = object.metadata;
    const scaled = (object as { spec?: { scaleTargetRef?: { name?: string } } }).spec?.scaleTargetRef?.name;
    for (const name of new Set([scaled, labels?.[COPY_FOR]])) {
      if (name !== undefined) wake(kind, namespace, name);
    }
  };
  let following = false;
  const followKeda = (): void => {
    if (following) return;
    following = true;
    informers.cache(kinds.scaledObject, { keep });
    watch(kinds.scaledObject, (object) => {
      wakeOwner(kinds.scaledObject, object);
    });
  };
  watch(kinds.horizontalPodAutoscaler, (object) => {
    if (isKedas(object)) followKeda();
    wakeOwner(kinds.horizontalPodAutoscaler, object);
  });
  // Whose pods they select, only a look can say. They change seldom.
  watch(kinds.podDisruptionBudget, (object) => {
    if (isOurs(object)) wakeOwner(kinds.podDisruptionBudget, object);
    else wakeAll(object.metadata.namespace);
  });
  watch(kinds.networkPolicy, (object) => {
    wakeAll(object.metadata.namespace);
  });
  if (informers.cache(kinds.horizontalPodAutoscaler).list().some(isKedas)) followKeda();
  return { followKeda };
}

/** All of an object that a canary looks at. */
function textOf(object: KubeObject | undefined): string {
  if (object === undefined) return "";
  const { uid, labels, annotations: marks, ownerReferences, deletionTimestamp } = object.metadata;
  return JSON.stringify([uid, labels, marks, ownerReferences, deletionTimestamp, (object as { spec?: unknown }).spec]);
}

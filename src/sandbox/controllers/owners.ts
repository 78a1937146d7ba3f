import type { KubeObject, OwnerReference } from "../../kube/port.ts";
import type { ObjectKey } from "../../kube/informer.ts";

/** A controller reference to `owner`. */
export function ownerReference(owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata;
  if (uid === undefined) throw new Error(`${owner.kind} ${name} has no uid yet`);
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Whether `owner` is the controller of `object`. */
export function ownedBy(object: KubeObject, owner: KubeObject): boolean {
  return object.metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === owner.metadata.uid) ?? false;
}

/** The key of the controller of `object`, when that is of the given kind. */
export function ownerKey(object: KubeObject | undefined, kind: string): ObjectKey | undefined {
  const owner = object?.metadata.ownerReferences?.find((ref) => ref.controller === true && ref.kind === kind);
  return owner === undefined ? undefined : `${object?.metadata.namespace ?? ""}/${owner.name}`;
}

import { arrayOf, metaOf, nameOf, namespaceOf, objectOf, stringOf } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** Where an object is kept. */
export interface Location {
  readonly storage: string;
  readonly namespace: string;
  readonly name: string;
}

/** Which objects name an owner, so that garbage collection does not have to look at everything. */
export interface OwnerIndex {
  set(storage: string, object: JsonObject): void;
  delete(storage: string, object: JsonObject): void;
  dependentsOf(uid: string): readonly Location[];
}

export function ownerUids(object: JsonObject): string[] {
  return arrayOf(metaOf(object)["ownerReferences"]).map((reference) => stringOf(objectOf(reference)["uid"]));
}

export function createOwnerIndex(): OwnerIndex {
  const byOwner = new Map<string, Map<string, Location>>();
  const known = new Map<string, readonly string[]>();
  const keyOf = (storage: string, object: JsonObject) => `${storage}|${namespaceOf(object)}/${nameOf(object)}`;
  const forget = (key: string) => {
    for (const uid of known.get(key) ?? []) {
      const dependents = byOwner.get(uid);
      dependents?.delete(key);
      if (dependents?.size === 0) byOwner.delete(uid);
    }
    known.delete(key);
  };
  return {
    set(storage, object) {
      const key = keyOf(storage, object);
      forget(key);
      const uids = ownerUids(object);
      if (uids.length === 0) return;
      known.set(key, uids);
      for (const uid of uids) {
        const dependents = byOwner.get(uid) ?? new Map<string, Location>();
        dependents.set(key, { storage, namespace: namespaceOf(object), name: nameOf(object) });
        byOwner.set(uid, dependents);
      }
    },
    delete: (storage, object) => {
      forget(keyOf(storage, object));
    },
    dependentsOf: (uid) => [...(byOwner.get(uid)?.values() ?? [])],
  };
}

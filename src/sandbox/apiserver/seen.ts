import type { Schema } from "./schemaTypes.ts";

/** Stored parts in which a walk by a schema has found nothing to do: they never change, so that it need not be done again. */
export interface Seen {
  has(value: object, schema: Schema): boolean;
  /** False for a part that may still change: that is not remembered. */
  add(value: object, schema: Schema): boolean;
}

export function createSeen(): Seen {
  const seen = new WeakMap<object, Schema>();
  return {
    has: (value, schema) => seen.get(value) === schema,
    add(value, schema) {
      const isStored = Object.isFrozen(value);
      if (isStored) seen.set(value, schema);
      return isStored;
    },
  };
}

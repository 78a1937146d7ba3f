import { z } from "zod";
import type { KubeObject } from "../kube/port.ts";
import { rememberByObject } from "../lib/remember.ts";

const entry = z.object({
  manager: z.string(),
  time: z.string().default(""),
  fieldsV1: z.record(z.string(), z.unknown()),
});

/**
 * Who last wrote a field, by `metadata.managedFields`.
 * `path` is in the notation of managedFields, such as `["f:spec", "f:rules"]`. Empty when the cache drops the list.
 */
export function fieldManagers(object: KubeObject, path: readonly string[]): readonly string[] {
  const managers = entriesOf(object).flatMap(({ manager, fieldsV1 }) => (holds(fieldsV1, path) ? [manager] : []));
  return [...new Set(managers)];
}

const entriesOf = rememberByObject(({ metadata }: KubeObject) =>
  (metadata.managedFields ?? []).flatMap((raw) => entry.safeParse(raw).data ?? []),
);

/** Who wrote the object last, by `metadata.managedFields`; nobody when the cache drops the list. */
export function lastManager(object: KubeObject): readonly string[] {
  const [first, ...rest] = entriesOf(object);
  if (first === undefined) return [];
  return [rest.reduce((last, each) => (each.time >= last.time ? each : last), first).manager];
}

function holds(fields: unknown, path: readonly string[]): boolean {
  const [head, ...rest] = path;
  if (head === undefined) return true;
  if (typeof fields !== "object" || fields === null || !(head in fields)) return false;
  return holds((fields as Record<string, unknown>)[head], rest);
}

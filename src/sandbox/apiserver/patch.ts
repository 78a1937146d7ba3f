import { applyPatch } from "rfc6902";
import type { Operation } from "rfc6902";
import { isArray, isObject } from "./json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import { badRequest, patchRefused } from "./status.ts";

/** RFC 7396. Nulls remove; lists are replaced. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const out: MutableObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
}

const NOT_AN_OPERATION = new Error("not an operation");
const OPERATIONS = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/** RFC 6902. Throws 400 for something that is not a patch and 422 when an operation cannot be carried out. */
export function jsonPatch(target: JsonObject, patch: Json): JsonObject {
  if (!isArray(patch)) {
    const kind = isObject(patch) ? "object" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${kind} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  const copy: MutableObject = { ...target };
  const ours = new WeakSet<object>([copy]);
  for (const operation of patch) {
    const isKnown = isObject(operation) && OPERATIONS.has(String(operation["op"]));
    if (isKnown && operation["op"] !== "test") {
      for (const pointer of [operation["path"], operation["from"]]) {
        if (typeof pointer === "string") copyAlong(copy, pointer, ours);
      }
    }
    // One at a time: rfc6902 goes on after a failed operation.
    const [error] = isKnown ? applyPatch(copy, [operation as unknown as Operation]) : [NOT_AN_OPERATION];
    if (error !== null && error !== undefined) throw patchRefused();
  }
  return copy;
}

/** Names that rfc6902 steps over. */
const NO_STEP = new Set(["__proto__", "constructor", "prototype"]);

/** Copies what a pointer leads through, unless that is `ours` already: an operation changes the last of it, and nothing beside it. */
function copyAlong(root: MutableObject, pointer: string, ours: WeakSet<object>): void {
  let at = root;
  for (const escaped of pointer.split("/").slice(1, -1)) {
    const key = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    if (NO_STEP.has(key)) continue;
    const below = Object.hasOwn(at, key) ? at[key] : undefined;
    if (typeof below !== "object" || below === null) return;
    const copy = (ours.has(below) ? below : isArray(below) ? [...below] : { ...below }) as MutableObject;
    ours.add(copy);
    at[key] = copy;
    at = copy;
  }
}

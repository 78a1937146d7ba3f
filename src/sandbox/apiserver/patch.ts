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

const OPERATIONS = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/** RFC 6902. Throws 400 for something that is not a patch and 422 when an operation cannot be carried out. */
export function jsonPatch(target: JsonObject, patch: Json): JsonObject {
  if (!isArray(patch) || !patch.every((item) => isObject(item) && OPERATIONS.has(String(item["op"] as string)))) {
    throw badRequest("error decoding patch: expected a list of JSON patch operations");
  }
  const copy: MutableObject = structuredClone(target);
  for (const operation of patch) {
    // One at a time: rfc6902 goes on after a failed operation.
    const [error] = applyPatch(copy, [structuredClone(operation) as unknown as Operation]);
    if (error !== null && error !== undefined) {
      throw patchRefused(`${String((operation as JsonObject)["op"])} operation does not apply: ${error.message}`);
    }
  }
  return copy;
}

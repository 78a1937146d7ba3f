import { prune } from "./prune.ts";
import { builtinDefaults } from "./defaults.ts";
import { withDefaults } from "./defaulting.ts";
import { isObject, metaOf, nameOf, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { typeName } from "./schemaScalars.ts";
import { validateSchema } from "./schema.ts";
import { badRequest, invalid } from "./status.ts";
import { canonical } from "../../lib/json.ts";

/** What happens to fields that the schema does not know. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface Decoded {
  readonly object: JsonObject;
  readonly warnings: readonly string[];
}

/** Checks that a body is an object of the resource's kind and version. */
export function checkType(resource: Resource, body: Json): JsonObject {
  if (!isObject(body))
    throw badRequest(`couldn't get version/kind; json parse error: expected an object, got ${typeName(body)}`);
  const apiVersion = apiVersionOf(resource);
  const given = stringOf(body["apiVersion"]);
  const kind = stringOf(body["kind"]);
  if (given !== "" && given !== apiVersion) {
    throw badRequest(`the API version in the data (${given}) does not match the expected API version (${apiVersion})`);
  }
  if (kind !== "" && kind !== resource.kind && !resource.builtin) {
    const detail = `must be ${resource.kind}`;
    throw invalid({ ...resource, kind }, nameOf(body), [
      { type: "FieldValueInvalid", field: "kind", value: kind, detail },
    ]);
  }
  if (kind !== "" && kind !== resource.kind) {
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: kind in the data is ${kind}`,
    );
  }
  return { ...body, apiVersion, kind: resource.kind, metadata: metaOf(body) };
}

/** Errors of a patched object name no kind on the real server. */
const NOTHING = { group: "", plural: "", kind: "" };

const quoted = (unknown: readonly string[]): string => unknown.map((path) => `unknown field "${path}"`).join(", ");

export interface DecodeOptions {
  readonly fieldValidation: FieldValidation;
  /** It came from a patch, which words errors differently. */
  readonly patched?: boolean;
  /** What is stored: what stays of it has the right types. */
  readonly old?: JsonObject;
}

/** Prunes and defaults an object in the served version. */
export function decode(resource: Resource, body: JsonObject, options: DecodeOptions): Decoded {
  const pruned = prune(body, resource.schema);
  if (pruned.unknown.length > 0 && options.fieldValidation === "Strict") {
    const sentence = `strict decoding error: ${quoted(pruned.unknown)}`;
    if (options.patched === true) {
      const value = canonical(body);
      throw invalid(NOTHING, "", [{ type: "FieldValueInvalid", field: "patch", value, detail: sentence }]);
    }
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${sentence}`,
    );
  }
  const defaulted = withDefaults(pruned.value, resource.schema);
  if (resource.builtin) refuseWrongTypes(resource, defaulted, options.old);
  const warnings = options.fieldValidation === "Warn" ? pruned.unknown.map((path) => `unknown field "${path}"`) : [];
  return { object: resource.builtin ? builtinDefaults(resource, defaulted) : defaulted, warnings };
}

/** Built-in kinds are decoded into typed structures, so a wrong type is no object at all. */
function refuseWrongTypes(resource: Resource, object: JsonObject, old: JsonObject | undefined): void {
  const wrong = validateSchema(object, resource.schema, old).find((error) => error.type === "FieldValueTypeInvalid");
  if (wrong === undefined) return;
  const why = `json: cannot unmarshal ${stringOf(wrong.value)} into Go struct field ${resource.kind}.${wrong.field}`;
  throw badRequest(`${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`);
}

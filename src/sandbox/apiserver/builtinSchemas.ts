import compact from "./builtinSchemas.json" with { type: "json" };
import type { Schema } from "./schemaTypes.ts";

/**
 * Schemas of the built-in kinds: the OpenAPI v3 documents of Kubernetes 1.36 (Apache-2.0) reduced to structure
 * (types, list types, merge keys, required fields), without descriptions. So unknown fields, strategic merge and
 * server-side apply behave as on a real API server.
 */
const definitions = compact as unknown as Readonly<Record<string, Schema>>;

const OPEN: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const OPEN_DEFINITIONS = new Set(["meta.v1.FieldsV1", "runtime.RawExtension"]);

/** The schema of a definition such as `apps.v1.Deployment`; an open object when there is none. */
export function builtinSchema(name: string): Schema {
  return OPEN_DEFINITIONS.has(name) ? OPEN : (definitions[name] ?? OPEN);
}

/** Follows a `$ref`; siblings of the reference, such as list types and defaults, stay. */
export function deref(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const known = resolved.get(schema);
  if (known !== undefined) return known;
  const { $ref, ...siblings } = schema;
  const target = { ...builtinSchema($ref), ...siblings };
  resolved.set(schema, target);
  return target;
}

const resolved = new WeakMap<Schema, Schema>();

/** Names of all definitions, for OpenAPI documents. */
export function builtinDefinitions(): Readonly<Record<string, Schema>> {
  return definitions;
}

const objectMeta: Schema = { $ref: "meta.v1.ObjectMeta" };

/** A custom resource's schema with `apiVersion`, `kind` and `metadata` as the server knows them. */
export function asResourceRoot(schema: Schema): Schema {
  return {
    ...schema,
    type: "object",
    properties: {
      ...schema.properties,
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: withNameRules(schema.properties?.["metadata"]),
    },
  };
}

/** Of metadata a definition may bound `name` and `generateName` only. */
function withNameRules(declared: Schema | undefined): Schema {
  const properties = deref(objectMeta).properties ?? {};
  const bounded = ["name", "generateName"].flatMap((key) => {
    const rules = declared?.properties?.[key];
    return rules === undefined ? [] : [[key, { ...properties[key], ...rules }] as const];
  });
  return bounded.length === 0
    ? objectMeta
    : { ...objectMeta, properties: { ...properties, ...Object.fromEntries(bounded) } };
}

/** The schema of one property of an object, or undefined when the object's schema does not know it. */
export function propertySchema(schema: Schema, key: string): Schema | undefined {
  const known = schema.properties?.[key];
  if (known !== undefined) return deref(known);
  if (typeof schema.additionalProperties === "object") return deref(schema.additionalProperties);
  return undefined;
}

/** Whether fields that the schema does not name are kept. */
export function isOpen(schema: Schema): boolean {
  return (
    schema["x-kubernetes-preserve-unknown-fields"] === true ||
    schema.additionalProperties === true ||
    (schema.type === undefined && schema.properties === undefined && schema.additionalProperties === undefined)
  );
}

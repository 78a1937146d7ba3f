import { z } from "zod";
import type { CelRule } from "./schema.ts";

/** The part of OpenAPI v3 that a CRD may hold. */
export interface Structural {
  readonly description?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Structural>>;
  readonly additionalProperties?: Structural;
  readonly items?: Structural;
  readonly required?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly CelRule[];
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic";
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
}

type JsonSchema = Readonly<Record<string, unknown>>;

interface Place {
  /** Such as `spec.steps[].hold`, for errors. */
  readonly path: string;
  readonly namespaced: boolean;
}

/** Keys that are taken over as they are, in the order in which they are written. */
const PLAIN = [
  "description",
  "type",
  "format",
  "default",
  "enum",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
] as const;
const NESTED = ["properties", "additionalProperties", "items", "required"] as const;
const IGNORED = ["$schema", "x-aviary-secret-ref", "x-aviary-needed-in-namespaces"] as const;
const KNOWN: ReadonlySet<string> = new Set([...PLAIN, ...NESTED, ...IGNORED]);

/**
 * A zod schema as the structural schema of a CRD.
 * @throws Error naming the field, for what Kubernetes would refuse, and for a field that has no description or no bound.
 */
export function toStructural(schema: z.ZodType, place: Place): Structural {
  return convert(z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }), place);
}

function convert(node: JsonSchema, place: Place): Structural {
  if (node["x-kubernetes-int-or-string"] === true) return intOrString(node);
  const result: Record<string, unknown> = {};
  for (const key of PLAIN) if (key in node) result[key] = node[key];
  if (node["type"] === "integer") boundInteger(result);
  refuseUnknown(node, place);
  refuseUnbounded(result, place);
  Object.assign(result, convertNested(node, place));
  return result;
}

function convertNested(node: JsonSchema, place: Place): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const required = (node["required"] as readonly string[] | undefined) ?? [];
  if ("properties" in node) {
    const dropped = secretNamespace(node, place);
    const entries = Object.entries(node["properties"] as Record<string, JsonSchema>).filter(
      ([name]) => name !== dropped,
    );
    result["properties"] = Object.fromEntries(entries.map(([name, child]) => [name, property(name, child, place)]));
  }
  const needed = [...required, ...neededHere(node, place)];
  if (needed.length > 0) result["required"] = needed;
  if ("items" in node) result["items"] = convert(node["items"] as JsonSchema, { ...place, path: `${place.path}[]` });
  const additional = node["additionalProperties"] as JsonSchema | undefined;
  if (additional !== undefined && node["x-kubernetes-preserve-unknown-fields"] !== true) {
    if (Object.keys(additional).length === 0) throw new Error(`${place.path} lets unknown fields through`);
    result["additionalProperties"] = convert(additional, { ...place, path: `${place.path}.*` });
  }
  return result;
}

/** What is required in one scope only. */
function neededHere(node: JsonSchema, { namespaced }: Place): readonly string[] {
  if (namespaced) return (node["x-aviary-needed-in-namespaces"] as readonly string[] | undefined) ?? [];
  return node["x-aviary-secret-ref"] === true ? ["namespace"] : [];
}

function property(name: string, node: JsonSchema, place: Place): Structural {
  const path = `${place.path}.${name}`;
  if (typeof node["description"] !== "string") throw new Error(`${path} has no description`);
  return convert(node, { ...place, path });
}

/** Only cluster-scoped kinds may name the namespace of a Secret: anything else would read secrets of others. */
function secretNamespace(node: JsonSchema, place: Place): string | undefined {
  return node["x-aviary-secret-ref"] === true && place.namespaced ? "namespace" : undefined;
}

function intOrString(node: JsonSchema): Structural {
  const kept = ["description", "x-kubernetes-int-or-string", "pattern", "x-kubernetes-validations"];
  return Object.fromEntries(kept.filter((key) => key in node).map((key) => [key, node[key]]));
}

/**
 * zod bounds every integer by what a double can hold, which says nothing to users. No `format` is set: with one, the
 * API server speaks of float64 and int32 where it would otherwise say "must be of type integer".
 */
function boundInteger(result: Record<string, unknown>): void {
  if (result["minimum"] === Number.MIN_SAFE_INTEGER) delete result["minimum"];
  if (result["maximum"] === Number.MAX_SAFE_INTEGER) delete result["maximum"];
}

function refuseUnknown(node: JsonSchema, place: Place): void {
  const unknown = Object.keys(node).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0)
    throw new Error(`${place.path} uses ${unknown.join(", ")}, which no structural schema may hold`);
}

/** CEL rules are charged by the largest possible object, so that one list without a bound spoils the whole schema. */
function refuseUnbounded(node: Record<string, unknown>, place: Place): void {
  if (node["type"] === "string" && node["maxLength"] === undefined && node["enum"] === undefined) {
    throw new Error(`${place.path} has no maxLength`);
  }
  if (node["type"] === "array" && node["maxItems"] === undefined) throw new Error(`${place.path} has no maxItems`);
  if (node["type"] === undefined) throw new Error(`${place.path} has no type`);
}

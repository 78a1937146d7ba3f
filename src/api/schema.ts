/**
 * Building blocks of the schemas that the CRDs are generated from. A choice between kinds is always sibling optional
 * blocks of which exactly one is present: `anyOf` is not structural, and its errors name nothing.
 * No transforms: the generator would not see them.
 */
import { z } from "zod";
import { DURATION_PATTERN, parseDuration } from "../lib/time.ts";

/** A rule in CEL that the API server evaluates; the schema's own parser does not repeat it. */
export interface CelRule {
  readonly rule: string;
  /** The sentence; also what is shown when `messageExpression` fails. */
  readonly message: string;
  readonly messageExpression?: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired";
  readonly fieldPath?: string;
}

/** What a schema carries for the generator beyond JSON Schema. */
export interface KubeMeta {
  readonly "x-kubernetes-validations"?: readonly CelRule[];
  readonly "x-kubernetes-list-type"?: "map" | "set" | "atomic";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-int-or-string"?: true;
  readonly pattern?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  /** Marks a reference to a Secret: `namespace` is dropped in namespaced kinds and required in cluster-scoped ones. */
  readonly "x-aviary-secret-ref"?: true;
  /** Fields that an object in a namespaced kind must have, and in a cluster-scoped one may leave out. */
  readonly "x-aviary-needed-in-namespaces"?: readonly string[];
}

/** Adds rules to those that a schema has. */
export function withRules<T extends z.ZodType>(schema: T, ...rules: readonly CelRule[]): T {
  const before = (schema.meta() as KubeMeta | undefined)?.["x-kubernetes-validations"] ?? [];
  return schema.meta({ ...schema.meta(), "x-kubernetes-validations": [...before, ...rules] });
}

/** A list whose elements are told apart by keys: a duplicate is refused by name, at no CEL cost. */
export function listMap<T extends z.ZodType>(schema: T, ...keys: readonly string[]): T {
  return schema.meta({
    ...schema.meta(),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": keys,
  });
}

/** A list without duplicates. */
export function listSet<T extends z.ZodType>(schema: T): T {
  return schema.meta({ ...schema.meta(), "x-kubernetes-list-type": "set" });
}

/** The rule of sibling optional blocks, with the blocks that were found in its sentence. */
export function exactlyOneOf(names: readonly string[]): CelRule {
  const [first, ...others] = names.map((name) => `has(self.${name})`);
  if (first === undefined) throw new Error("a choice needs at least one name");
  if (others.length === 0) {
    return { rule: first, message: `needs the block ${names.join()}`, reason: "FieldValueInvalid" };
  }
  const choice = `choose exactly one of ${names.join(", ")}`;
  const found = names.map((name) => `(has(self.${name}) ? ' ${name}' : '')`).join(" + ");
  return {
    rule: `[${[first, ...others].join(", ")}].exists_one(x, x)`,
    message: choice,
    messageExpression: `'${choice}; found' + (${[first, ...others].join(" || ")} ? ${found} : ' none')`,
    reason: "FieldValueInvalid",
  };
}

/** No digits beyond six, so that CEL's `duration()` cannot overflow within 16 characters. */
const CEL_DURATION = "^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$";
const DURATION_SENTENCE = "must be a duration such as 30s, 5m or 1h30m";

/** A duration such as `1h30m` within bounds, both inclusive and durations themselves. */
export function duration(bounds: { readonly min: string; readonly max: string }) {
  const isDuration = `self.matches('${CEL_DURATION}')`;
  const range = `must be a duration from ${bounds.min} to ${bounds.max}`;
  const within = z
    .string()
    .max(16)
    .refine((text) => isWithin(text, bounds), { message: range });
  return withRules(within, {
    rule: `${isDuration} && duration(self) >= duration('${bounds.min}') && duration(self) <= duration('${bounds.max}')`,
    message: DURATION_SENTENCE,
    messageExpression: `${isDuration} ? '${range}' : '${DURATION_SENTENCE}'`,
    reason: "FieldValueInvalid",
  });
}

/** A moment, as Kubernetes writes it. */
export const time = z.string().max(40).meta({ format: "date-time" });

function isWithin(text: string, { min, max }: { readonly min: string; readonly max: string }): boolean {
  if (!DURATION_PATTERN.test(text)) return false;
  const ms = parseDuration(text);
  return ms >= parseDuration(min) && ms <= parseDuration(max);
}

const LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const SUBDOMAIN = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";

/** A DNS label, for the names of list elements. */
export function labelName() {
  return withRules(z.string().min(1).max(63), {
    rule: `self.matches('${LABEL}')`,
    message: "must be lower-case letters, digits and '-', such as error-rate",
  });
}

/** The name of another object. */
export function objectName() {
  return withRules(z.string().min(1).max(253), {
    rule: `self.matches('${SUBDOMAIN}')`,
    message: "must be the name of an object: lower-case letters, digits, '-' and '.'",
  });
}

/** The name of a namespace. */
export function namespaceName() {
  return withRules(z.string().min(1).max(63), {
    rule: `self.matches('${LABEL}')`,
    message: "must be the name of a namespace: lower-case letters, digits and '-'",
  });
}

/**
 * A number of a port, or the name of one. Letters are checked by a pattern: CEL takes such a text for as long as a
 * whole request, and refuses to match it.
 */
export function portNumberOrName() {
  const schema = z.union([z.int().min(1).max(65535), z.string().min(1).max(15)]);
  return withRules(schema.meta({ "x-kubernetes-int-or-string": true, pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" }), {
    rule: "type(self) == int ? self >= 1 && self <= 65535 : self.size() >= 1 && self.size() <= 15",
    message: "must be a port number from 1 to 65535 or the name of a container's port, at most 15 characters",
  });
}

/** An object of somebody else's API: what is in it is theirs, and kept as it is. */
export function foreignObject() {
  return z.looseObject({}).meta({ "x-kubernetes-preserve-unknown-fields": true });
}

/** A key of a Secret. In namespaced kinds the Secret is in the same namespace, and `namespace` is not in the schema. */
export function secretKeyRef() {
  return z
    .object({
      name: objectName().describe("Name of the Secret."),
      key: z.string().min(1).max(253).describe("Key in the Secret."),
      namespace: namespaceName().optional().describe("Namespace of the Secret."),
    })
    .meta({ "x-aviary-secret-ref": true });
}

/**
 * An object without whose fields `names` the controller would act as itself. Whoever may write in one namespace only has to
 * bring credentials: the schema of namespaced kinds requires these fields.
 */
export function needsInNamespaces<T extends z.ZodType>(schema: T, ...names: readonly string[]): T {
  return schema.meta({ ...schema.meta(), "x-aviary-needed-in-namespaces": names });
}

/** The type of `secretKeyRef()`. */
export interface SecretKeyRef {
  readonly name: string;
  readonly key: string;
  readonly namespace?: string | undefined;
}

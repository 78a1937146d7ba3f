import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  exactlyOneOf,
  foreignObject,
  listMap,
  portNumberOrName,
  secretKeyRef,
  withRules,
} from "../../src/api/schema.ts";
import { toStructural } from "../../src/api/structural.ts";

const convert = (schema: z.ZodType, namespaced = true) => toStructural(schema, { path: "spec", namespaced });
const text = z.string().max(10).describe("Text.");

describe("a schema for a CRD", () => {
  it("requires what has neither a default nor a question mark", () => {
    const schema = z.object({ a: text, b: text.optional(), c: text.default("x") });
    expect(convert(schema)).toMatchObject({
      required: ["a"],
      properties: { c: { default: "x", description: "Text.", maxLength: 10 } },
    });
  });

  it("keeps rules and keys of lists through optional, default and describe", () => {
    const rule = { rule: "self != ''", message: "must not be empty" };
    const list = listMap(z.array(z.object({ a: text })).max(2), "a").optional();
    const schema = z.object({ a: withRules(text, rule).default("x").describe("Other."), list: list.describe("List.") });
    expect(convert(schema).properties).toMatchObject({
      a: { description: "Other.", "x-kubernetes-validations": [rule] },
      list: { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"] },
    });
  });

  it("adds rules to rules", () => {
    const schema = withRules(withRules(text, { rule: "a", message: "a" }), { rule: "b", message: "b" });
    expect(convert(schema)["x-kubernetes-validations"]?.map(({ rule }) => rule)).toEqual(["a", "b"]);
  });

  it("says nothing about integers that zod says by itself", () => {
    expect(convert(z.object({ n: z.int().describe("N.") })).properties?.["n"]).toEqual({
      type: "integer",
      description: "N.",
    });
  });

  it("has integers or strings in Kubernetes' way", () => {
    const port = convert(z.object({ port: portNumberOrName().describe("Port.") })).properties?.["port"];
    expect(port).toMatchObject({ "x-kubernetes-int-or-string": true, description: "Port." });
    expect(port).not.toHaveProperty("anyOf");
    expect(port).not.toHaveProperty("type");
  });

  it("lets the fields of somebody else's API through", () => {
    const schema = z.object({ filter: foreignObject().describe("Filter.") });
    expect(convert(schema).properties?.["filter"]).toMatchObject({
      type: "object",
      "x-kubernetes-preserve-unknown-fields": true,
    });
  });

  it("lets only cluster-scoped kinds name the namespace of a Secret, and makes them name it", () => {
    const schema = z.object({ ref: secretKeyRef().describe("Secret.") });
    const namespaced = convert(schema).properties?.["ref"];
    expect(Object.keys(namespaced?.properties ?? {})).toEqual(["name", "key"]);
    expect(namespaced?.required).toEqual(["name", "key"]);
    expect(convert(schema, false).properties?.["ref"]?.required).toEqual(["name", "key", "namespace"]);
  });

  it.each([
    ["a field without a description", z.object({ a: z.string().max(1) }), "spec.a has no description"],
    ["a string without a bound", z.object({ a: z.string().describe("A.") }), "spec.a has no maxLength"],
    ["a list without a bound", z.object({ a: z.array(text).describe("A.") }), "spec.a has no maxItems"],
    [
      "a field deep inside",
      z.object({
        a: z
          .array(z.object({ b: z.int() }))
          .max(1)
          .describe("A."),
      }),
      "spec.a[].b has no description",
    ],
    ["alternatives", z.object({ a: z.union([text, z.int()]).describe("A.") }), "spec.a uses anyOf"],
    ["null", z.object({ a: text.nullable() }), "spec.a uses nullable"],
    ["anything", z.object({ a: z.unknown().describe("A.") }), "spec.a has no type"],
    ["unknown fields", z.object({ a: z.looseObject({}).describe("A.") }), "spec.a lets unknown fields through"],
  ])("cannot be made of %s", (_, schema, message) => {
    expect(() => convert(schema)).toThrow(message);
  });

  it("needs names for a choice", () => {
    expect(() => exactlyOneOf([])).toThrow("at least one name");
  });
});

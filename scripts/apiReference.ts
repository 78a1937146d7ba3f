import type { CustomResourceDefinition } from "../src/api/crd.ts";
import type { CelRule } from "../src/api/schema.ts";
import type { Structural } from "../src/api/structural.ts";
import { table } from "./table.ts";

/** A field of a kind, with its path from the object, such as `spec.steps[].weight`. */
interface Field {
  readonly path: string;
  readonly schema: Structural;
  readonly required: boolean;
}

/** The reference of all kinds as Markdown. */
export function apiReference(definitions: readonly CustomResourceDefinition[]): string {
  const head = [
    "# API reference",
    "",
    "Generated from `src/api`, `src/routers` and `src/metrics` by `npm run generate`; the same schemas make `crds/`.",
    "A field in **bold** is required where its block is present. Rules are checked when an object is applied, and refuse it with the sentence shown.",
    "",
    ...definitions.map(({ spec }) => `- [${spec.names.kind}](#${spec.names.singular})`),
    "",
  ];
  return [
    ...head,
    ...definitions.flatMap((definition) => kindSection(definition, twinOf(definition, definitions))),
  ].join("\n");
}

/** A kind further up with the same spec but for a few fields: what is for one namespace there and for all here. */
function twinOf(
  definition: CustomResourceDefinition,
  all: readonly CustomResourceDefinition[],
): CustomResourceDefinition | undefined {
  const says = specOf(definition)?.description;
  const found = all.find((other) => specOf(other)?.description === says);
  return says === undefined || found === definition ? undefined : found;
}

function specOf({ spec }: CustomResourceDefinition): Structural | undefined {
  return spec.versions[0].schema.openAPIV3Schema.properties?.["spec"];
}

function kindSection({ spec }: CustomResourceDefinition, twin: CustomResourceDefinition | undefined): string[] {
  const { names, scope, group, versions } = spec;
  const [version] = versions;
  const root = version.schema.openAPIV3Schema;
  const short = names.shortNames === undefined ? "" : `, short name \`${names.shortNames.join("`, `")}\``;
  const { spec: wanted, status } = root.properties ?? {};
  return [
    `## ${names.kind}`,
    "",
    `${root.description ?? ""}`,
    "",
    `\`${group}/${version.name}\`, ${scope === "Cluster" ? "cluster-scoped" : "namespaced"}, \`kubectl get ${names.plural}\`${short}, categories \`${names.categories.join("`, `")}\`.`,
    "",
    ...(twin === undefined ? section("Spec", "spec", wanted) : differences(wanted, twin)),
    ...section("Status", "status", status),
    "### Columns",
    "",
    ...compactTable(
      ["Column", "Path", "Shown"],
      version.additionalPrinterColumns.map(({ name, jsonPath, priority }) => [
        name,
        code(jsonPath),
        priority === undefined ? "always" : "with `-o wide`",
      ]),
    ),
    "",
  ];
}

/** The fields that a kind does not share with its twin; rules are the twin's. */
function differences(schema: Structural | undefined, twin: CustomResourceDefinition): string[] {
  const { kind, singular } = twin.spec.names;
  const known = new Set(rowsOf("spec", specOf(twin)).map((row) => row.join()));
  const rows = rowsOf("spec", schema).filter((row) => !known.has(row.join()));
  return [
    "### Spec",
    "",
    `The fields and rules are those of [${kind}](#${singular}), but for these:`,
    "",
    ...compactTable(["Field", "Type", "Default", "Bounds", "Description"], rows),
    "",
  ];
}

function rowsOf(path: string, schema: Structural | undefined): string[][] {
  if (schema === undefined) return [];
  return fieldsOf({ path, schema, required: true })
    .slice(1)
    .filter((field) => field.schema.description !== undefined)
    .map(fieldRow);
}

function section(title: string, path: string, schema: Structural | undefined): string[] {
  if (schema === undefined) return [];
  const all = fieldsOf({ path, schema, required: true });
  const rules = all.flatMap((field) => rulesOf(field.schema).map((rule) => ({ field, rule })));
  const rows = rowsOf(path, schema);
  const ruleRows = rules.map(({ field, rule }) => [code(field.path + (rule.fieldPath ?? "")), text(rule.message)]);
  return [
    `### ${title}`,
    "",
    ...compactTable(["Field", "Type", "Default", "Bounds", "Description"], rows),
    "",
    ...(ruleRows.length === 0 ? [] : ["Rules:", "", ...compactTable(["Field", "Sentence"], ruleRows), ""]),
  ];
}

function fieldsOf(field: Field): Field[] {
  const { path, schema } = field;
  const element = schema.items ?? schema.additionalProperties;
  const inner = schema.items === undefined ? `${path}.*` : `${path}[]`;
  const nested = element === undefined ? [] : fieldsOf({ path: inner, schema: element, required: false });
  // An element without fields of its own says nothing that its list does not.
  const elements =
    element?.properties === undefined && element?.["x-kubernetes-validations"] === undefined ? [] : nested;
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    fieldsOf({ path: `${path}.${name}`, schema: child, required: schema.required?.includes(name) ?? false }),
  );
  return [field, ...elements, ...properties];
}

function fieldRow({ path, schema, required }: Field): string[] {
  const initial = schema.default === undefined ? "" : code(JSON.stringify(schema.default));
  const name = required ? `**${code(path)}**` : code(path);
  return [name, typeOf(schema), initial, boundsOf(schema), text(schema.description ?? "")];
}

/** Durations have their bounds in the table of fields. */
function rulesOf(schema: Structural): readonly CelRule[] {
  return durationBounds(schema) === undefined ? (schema["x-kubernetes-validations"] ?? []) : [];
}

function durationBounds(schema: Structural): string | undefined {
  const sentences = (schema["x-kubernetes-validations"] ?? []).map(({ messageExpression = "" }) => messageExpression);
  return sentences
    .map((text) => /'must be a duration from ([^']+)'/.exec(text)?.[1])
    .find((found) => found !== undefined);
}

function typeOf(schema: Structural): string {
  if (durationBounds(schema) !== undefined) return "duration";
  if (schema["x-kubernetes-int-or-string"] === true) return "integer or string";
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(" | ");
  if (schema.items !== undefined) return `list of ${schema.items.type ?? "values"}`;
  if (schema.additionalProperties !== undefined) return `map of ${schema.additionalProperties.type ?? "values"}`;
  if (schema.format === "date-time") return "time";
  return schema.type ?? "";
}

function boundsOf(schema: Structural): string {
  const duration = durationBounds(schema);
  if (duration !== undefined) return duration;
  const keys = schema["x-kubernetes-list-map-keys"];
  const texts = [
    range("", schema.minimum, schema.maximum),
    range("characters", schema.minLength, schema.maxLength),
    range("elements", schema.minItems, schema.maxItems),
    keys === undefined ? "" : `unique ${keys.map(code).join(", ")}`,
    schema["x-kubernetes-preserve-unknown-fields"] === true ? "any fields" : "",
  ];
  return texts.filter((text) => text !== "").join("; ");
}

function range(unit: string, min: number | undefined, max: number | undefined): string {
  const suffix = unit === "" ? "" : ` ${unit}`;
  if (min !== undefined && max !== undefined) return `${min} to ${max}${suffix}`;
  if (max !== undefined) return `at most ${max}${suffix}`;
  return min === undefined ? "" : `at least ${min}${suffix}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A sentence for a cell: what would be HTML is escaped, except between backticks. */
function text(sentence: string): string {
  const parts = sentence.split("`");
  return parts.map((part, index) => (index % 2 === 0 ? part.replaceAll("<", "&lt;") : part)).join("`");
}

/** Descriptions are long; the formatter leaves the page alone. */
function compactTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return table(header, rows, { compact: true });
}

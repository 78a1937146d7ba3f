import { asResourceRoot } from "./builtinSchemas.ts";
import { compileCel } from "./celEnvironment.ts";
import { arrayOf, isObject, nameOf, numberOf, objectOf, stringOf } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { ColumnDefinition, Resource, ScalePaths } from "./resources.ts";
import type { Schema } from "./schemaTypes.ts";
import type { FieldError } from "./status.ts";

const strings = (value: unknown): string[] => arrayOf(value).map((item) => stringOf(item));
const pathOf = (value: unknown): string[] =>
  stringOf(value)
    .split(".")
    .filter((key) => key !== "");

/** The resources that a CustomResourceDefinition brings: one for each served version. */
export function resourcesOf(definition: JsonObject): readonly Resource[] {
  const spec = objectOf(definition["spec"]);
  return arrayOf(spec["versions"])
    .map((version) => objectOf(version))
    .filter((version) => version["served"] === true)
    .map((version) => resourceOf(spec, version));
}

function resourceOf(spec: JsonObject, version: JsonObject): Resource {
  const names = objectOf(spec["names"]);
  const group = stringOf(spec["group"]);
  const plural = stringOf(names["plural"]);
  const kind = stringOf(names["kind"]);
  const subresources = objectOf(version["subresources"]);
  return {
    group,
    version: stringOf(version["name"]),
    kind,
    plural,
    singular: stringOf(names["singular"]) || kind.toLowerCase(),
    namespaced: spec["scope"] !== "Cluster",
    shortNames: strings(names["shortNames"]),
    categories: strings(names["categories"]),
    status: isObject(subresources["status"]),
    scale: scaleOf(subresources["scale"]),
    schema: asResourceRoot(objectOf(objectOf(version["schema"])["openAPIV3Schema"])),
    builtin: false,
    storage: `${group}/${plural}`,
    columns: columnsOf(version),
    selectableFields: arrayOf(version["selectableFields"]).map((field) =>
      pathOf(objectOf(field)["jsonPath"]).join("."),
    ),
  };
}

function scaleOf(scale: unknown): ScalePaths | undefined {
  if (!isObject(scale)) return undefined;
  const selector = pathOf(scale["labelSelectorPath"]);
  return {
    spec: pathOf(scale["specReplicasPath"]),
    status: pathOf(scale["statusReplicasPath"]),
    ...(selector.length === 0 ? {} : { selector }),
  };
}

function columnsOf(version: JsonObject): readonly ColumnDefinition[] {
  return arrayOf(version["additionalPrinterColumns"]).map((raw) => {
    const column = objectOf(raw);
    return {
      name: stringOf(column["name"]),
      type: stringOf(column["type"]),
      format: stringOf(column["format"]),
      description: stringOf(column["description"]),
      priority: numberOf(column["priority"]) ?? 0,
      jsonPath: stringOf(column["jsonPath"]),
    };
  });
}

/** What the API server refuses about a definition itself: a name that does not fit, and rules that do not compile. */
export function validateDefinition(definition: JsonObject): readonly FieldError[] {
  const spec = objectOf(definition["spec"]);
  const wanted = `${stringOf(objectOf(spec["names"])["plural"])}.${stringOf(spec["group"])}`;
  const errors: FieldError[] = [];
  if (nameOf(definition) !== wanted) {
    const detail = 'must be spec.names.plural+"."+spec.group';
    errors.push({ type: "FieldValueInvalid", field: "metadata.name", value: nameOf(definition), detail });
  }
  arrayOf(spec["versions"]).forEach((version, index) => {
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = objectOf(objectOf(version)["schema"])["openAPIV3Schema"];
    if (isObject(schema)) errors.push(...ruleErrors(schema, path));
    else errors.push({ type: "FieldValueRequired", field: path, detail: "schemas are required" });
  });
  return errors;
}

function ruleErrors(schema: Schema, path: string): FieldError[] {
  const own = (schema["x-kubernetes-validations"] ?? []).flatMap((rule, index) => {
    const field = `${path}.x-kubernetes-validations[${index}]`;
    return [
      ...compileError(rule.rule, `${field}.rule`),
      ...(rule.messageExpression === undefined
        ? []
        : compileError(rule.messageExpression, `${field}.messageExpression`)),
    ];
  });
  const properties = Object.entries(schema.properties ?? {});
  const extra = schema.additionalProperties;
  return [
    ...own,
    ...properties.flatMap(([key, child]) => ruleErrors(child, `${path}.properties[${key}]`)),
    ...(schema.items === undefined ? [] : ruleErrors(schema.items, `${path}.items`)),
    ...(typeof extra === "object" ? ruleErrors(extra, `${path}.additionalProperties`) : []),
  ];
}

function compileError(expression: string, field: string): FieldError[] {
  try {
    compileCel(expression);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown error";
    const detail = `compilation failed: ERROR: ${why}`;
    return [{ type: "FieldValueInvalid", field, value: expression, detail }];
  }
}

/** The status that the apiextensions controllers give to a definition that was accepted. */
export function acceptedStatus(definition: JsonObject, time: string): JsonObject {
  const spec = objectOf(definition["spec"]);
  const versions = arrayOf(spec["versions"]).map((version) => objectOf(version));
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: "True",
    lastTransitionTime: time,
    reason,
    message,
  });
  return {
    acceptedNames: spec["names"] ?? {},
    storedVersions: versions
      .filter((version) => version["storage"] === true)
      .map((version) => stringOf(version["name"])),
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
  };
}

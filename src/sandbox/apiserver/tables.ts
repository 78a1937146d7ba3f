import { canonical } from "../../lib/json.ts";
import { isArray, isObject, metaOf, nameOf, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { jsonPath } from "./jsonPath.ts";
import { age } from "./tableText.ts";
import { builtinColumns } from "./tableColumns.ts";
import type { Column } from "./tableColumns.ts";
import type { ColumnDefinition, Resource } from "./resources.ts";

export interface TableInput {
  readonly resource: Resource;
  readonly items: readonly JsonObject[];
  /** `metadata` of the list. */
  readonly metadata: JsonObject;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
  /** What goes into each row: Metadata (default), Object or None. */
  readonly include: string;
}

/** The Table that kubectl prints. */
export function tableOf(input: TableInput): JsonObject {
  const columns = columnsOf(input.resource, input.now);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: input.metadata,
    columnDefinitions: columns.map(({ name, type, format, description, priority }) => ({
      name,
      type,
      format: format ?? "",
      description: description ?? "",
      priority: priority ?? 0,
    })),
    rows: input.items.map((item) => ({
      cells: columns.map((column) => column.cell(item)),
      ...rowObject(item, input.include),
    })),
  };
}

function rowObject(item: JsonObject, include: string): JsonObject {
  if (include === "None") return {};
  return { object: include === "Object" ? item : partialMetadata(item) };
}

/** An object reduced to its metadata. */
export function partialMetadata(object: JsonObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: metaOf(object) };
}

function columnsOf(resource: Resource, now: number): readonly Column[] {
  const name: Column = { name: "Name", type: "string", format: "name", cell: nameOf };
  const created: Column = {
    name: "Age",
    type: "string",
    cell: (object) => age(metaOf(object)["creationTimestamp"], now),
  };
  if (resource.columns === undefined) return [name, ...builtinColumns(resource, now, created)];
  if (resource.columns.length === 0) return [name, { ...created, name: "Age" }];
  return [name, ...resource.columns.map((column) => customColumn(column, now))];
}

function customColumn(column: ColumnDefinition, now: number): Column {
  const { jsonPath: path, ...definition } = column;
  return { ...definition, cell: (object) => cellOf(jsonPath(object, path), column, now) };
}

function cellOf(found: readonly Json[], column: ColumnDefinition, now: number): Json {
  const [first] = found;
  if (first === undefined || first === null) return null;
  switch (column.type) {
    case "date":
      return age(first, now);
    case "integer":
      return typeof first === "number" ? Math.trunc(first) : null;
    case "number":
      return typeof first === "number" ? first : null;
    case "boolean":
      return typeof first === "boolean" ? first : null;
    default:
      return found.map((value) => textOf(value)).join(",");
  }
}

function textOf(value: Json): string {
  return isArray(value) || isObject(value) ? canonical(value) : stringOf(value) || String(value);
}

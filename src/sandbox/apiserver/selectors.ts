import { at, metaOf, stringMap } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Resource } from "./resources.ts";
import { badRequest } from "./status.ts";

export type Predicate = (object: JsonObject) => boolean;

export interface Selectors {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Whether an object passes both selectors. Throws 400 for a selector that does not parse or names an unknown field. */
export function predicateOf(resource: Resource, selectors: Selectors): Predicate {
  const labels = labelPredicate(selectors.labelSelector ?? "");
  const fields = fieldPredicate(resource, selectors.fieldSelector ?? "");
  return (object) => labels(object) && fields(object);
}

type Labels = Readonly<Record<string, string>>;

function labelPredicate(selector: string): Predicate {
  const requirements = splitTopLevel(selector).map((text) => labelRequirement(text));
  if (requirements.length === 0) return () => true;
  return (object) => {
    const labels = stringMap(metaOf(object)["labels"]);
    return requirements.every((requirement) => requirement(labels));
  };
}

/** Whether labels pass a label selector in its text form. */
export function matchesLabels(selector: string, labels: Labels): boolean {
  return splitTopLevel(selector).every((text) => labelRequirement(text)(labels));
}

function splitTopLevel(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

const KEY = "([A-Za-z0-9][A-Za-z0-9_./-]*)";
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^)]*)\\)$`);
const EQUALITY = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*([A-Za-z0-9_.-]*)$`);
const EXISTENCE = new RegExp(`^(!?)\\s*${KEY}$`);

function labelRequirement(text: string): (labels: Labels) => boolean {
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((value) => value.trim()));
    return (labels) => (operator === "in") === (labels[key] !== undefined && values.has(labels[key]));
  }
  const equality = EQUALITY.exec(text);
  if (equality !== null) {
    const [, key = "", operator, value] = equality;
    return (labels) => (operator !== "!=") === (labels[key] === value);
  }
  const existence = EXISTENCE.exec(text);
  if (existence === null) throw badRequest(`unable to parse requirement: found '${text}'`);
  const [, not, key = ""] = existence;
  return (labels) => (not === "") === (labels[key] !== undefined);
}

function fieldPredicate(resource: Resource, selector: string): Predicate {
  const terms = selector.split(",").filter((part) => part !== "");
  const checks = terms.map((term) => fieldRequirement(resource, term));
  return (object) => checks.every((check) => check(object));
}

function fieldRequirement(resource: Resource, term: string): Predicate {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const [, field = "", operator, raw = ""] = match;
  const value = raw.replaceAll(/\\(.)/g, "$1");
  const known =
    field === "metadata.name" || field === "metadata.namespace" || resource.selectableFields.includes(field);
  if (!known) {
    const sentence = `field label not supported: ${field}`;
    const place = `Unable to find "${resource.group}/${resource.version}, Resource=${resource.plural}"`;
    const builtin = `${place} that match label selector "", field selector "${term}": ${sentence}`;
    throw badRequest(resource.builtin ? builtin : sentence);
  }
  const path = field.split(".");
  return (object) => (operator !== "!=") === (textOf(at(object, ...path)) === value);
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? "" : String(value);
}

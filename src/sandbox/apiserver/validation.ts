import { arrayOf, at, isObject, metaOf, objectOf, stringMap, stringOf } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { JsonObject } from "./json.ts";
import { selectorText } from "./defaults.ts";
import type { Resource } from "./resources.ts";
import { matchesLabels } from "./selectors.ts";
import type { FieldError } from "./status.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Names whose kind allows more than a DNS name. */
const FREE_NAMES = ["roles", "rolebindings", "clusterroles", "clusterrolebindings"];

export function validateMeta(resource: Resource, object: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const meta = metaOf(object);
  const name = stringOf(meta["name"]);
  if (!FREE_NAMES.includes(resource.plural) && (!SUBDOMAIN.test(name) || name.length > 253)) {
    errors.push({ type: "FieldValueInvalid", field: "metadata.name", value: name, detail: SUBDOMAIN_RULE });
  }
  for (const value of Object.values(stringMap(meta["labels"]))) {
    if (LABEL.test(value) && value.length <= 63) continue;
    const detail = value.length > 63 ? "must be no more than 63 bytes" : LABEL_RULE;
    errors.push({ type: "FieldValueInvalid", field: "metadata.labels", value, detail });
  }
  return errors;
}

const required = (field: string): FieldError => ({ type: "FieldValueRequired", field, detail: "" });

/** The rules of built-in kinds that a user of the sandbox can run into. */
export function validateBuiltin(
  resource: Resource,
  object: JsonObject,
  old: JsonObject | undefined,
): readonly FieldError[] {
  const rule = RULES[`${resource.group}/${resource.kind}`];
  return rule === undefined ? [] : rule(object, old);
}

type Rule = (object: JsonObject, old: JsonObject | undefined) => readonly FieldError[];

function workload(object: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = [];
  const selector = at(object, "spec", "selector");
  const labels = at(object, "spec", "template", "metadata", "labels");
  if (!isObject(selector)) errors.push(required("spec.selector"));
  if (!isObject(selector) || !matchesLabels(selectorText(selector), stringMap(labels))) {
    const detail = "`selector` does not match template `labels`";
    errors.push({ type: "FieldValueInvalid", field: "spec.template.metadata.labels", value: labels ?? null, detail });
  }
  if (old !== undefined && selector !== undefined && !sameJson(selector, at(old, "spec", "selector"))) {
    errors.push({ type: "FieldValueInvalid", field: "spec.selector", value: selector, detail: "field is immutable" });
  }
  return [...errors, ...negative(object, "replicas"), ...containers(object)];
}

function negative(object: JsonObject, key: string): readonly FieldError[] {
  const value = at(object, "spec", key);
  if (typeof value !== "number" || value >= 0) return [];
  return [{ type: "FieldValueInvalid", field: `spec.${key}`, value, detail: "must be greater than or equal to 0" }];
}

function containers(object: JsonObject): readonly FieldError[] {
  const list = arrayOf(at(object, "spec", "template", "spec", "containers"));
  const path = "spec.template.spec.containers";
  if (list.length === 0) return [required(path)];
  return list.flatMap((item, index) =>
    stringOf(objectOf(item)["image"]) === "" ? [required(`${path}[${index}].image`)] : [],
  );
}

function service(object: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const spec = objectOf(object["spec"]);
  const ports = arrayOf(spec["ports"]);
  const optional = spec["type"] === "ExternalName" || spec["clusterIP"] === "None";
  const errors: FieldError[] = ports.length === 0 && !optional ? [required("spec.ports")] : [];
  if (ports.length > 1) {
    ports.forEach((port, index) => {
      if (stringOf(objectOf(port)["name"]) === "") errors.push(required(`spec.ports[${index}].name`));
    });
  }
  const before = stringOf(at(old, "spec", "clusterIP"));
  if (before !== "" && spec["type"] !== "ExternalName" && spec["clusterIP"] !== before) {
    const value = [stringOf(spec["clusterIP"])];
    errors.push({ type: "FieldValueInvalid", field: "spec.clusterIPs[0]", value, detail: "may not change once set" });
  }
  return errors;
}

/**
 * A real API server refuses loopback addresses in slices. The sandbox allows them on purpose: its pods are servers on
 * 127.0.0.x of this machine.
 */
function endpointSlice(object: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const type = object["addressType"];
  if (type === undefined) return [required("addressType")];
  if (old === undefined || old["addressType"] === type) return [];
  return [{ type: "FieldValueInvalid", field: "addressType", value: type, detail: "field is immutable" }];
}

/** Events of the newer group must say who reports what; core/v1 events need not. */
function event(object: JsonObject): readonly FieldError[] {
  const missing = (keys: readonly string[]) =>
    keys.filter((key) => stringOf(object[key]) === "").map((key) => required(key));
  const basic = missing(["eventTime"]);
  const type = stringOf(object["type"]);
  if (type !== "Normal" && type !== "Warning") {
    basic.push({ type: "FieldValueInvalid", field: "type", value: "", detail: `has invalid value: ${type}` });
  }
  return basic.length > 0 ? basic : missing(["reportingController", "reportingInstance", "action", "reason"]);
}

const RULES: Readonly<Record<string, Rule>> = {
  "apps/Deployment": workload,
  "apps/ReplicaSet": workload,
  "apps/DaemonSet": workload,
  "apps/StatefulSet": workload,
  "/Service": service,
  "discovery.k8s.io/EndpointSlice": endpointSlice,
  "events.k8s.io/Event": event,
};

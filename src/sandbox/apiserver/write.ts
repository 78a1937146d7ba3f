import { acceptedStatus, resourcesOf } from "./crds.ts";
import { served, stored } from "./conversion.ts";
import { checkType, decode } from "./decode.ts";
import { clusterIp, withClusterIp } from "./defaults.ts";
import { finishIfFinalized } from "./deletion.ts";
import { arrayOf, at, frozen, metaOf, nameOf, namespaceOf, sharing, stringOf, withValue } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { Json, JsonObject } from "./json.ts";
import { ownersAfterUpdate, withOwners } from "./managedFields.ts";
import type { Writer } from "./managedFields.ts";
import { countsGenerations, prepareUpdate, validate } from "./prepare.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { alreadyExists, badRequest, forbidden, invalid, notFound } from "./status.ts";
import { timestamp } from "./context.ts";
import type { Context, Ref, WriteOptions, Written } from "./context.ts";

const namespacesTarget = { group: "", plural: "namespaces", kind: "Namespace" };

export function writerOf(context: Context, resource: Resource, options: WriteOptions): Writer {
  return {
    manager: options.fieldManager ?? "unknown",
    apiVersion: apiVersionOf(resource),
    subresource: options.subresource === "status" ? "status" : "",
    time: timestamp(context),
  };
}

/** What is stored, in the served form. */
export function find(context: Context, resource: Resource, ref: Ref): JsonObject | undefined {
  const found = context.store.get(resource.storage, resource.namespaced ? (ref.namespace ?? "") : "", ref.name);
  return found === undefined ? undefined : served(resource, found);
}

/** What is stored, in the served form. Throws 404. */
export function current(context: Context, resource: Resource, ref: Ref): JsonObject {
  const found = find(context, resource, ref);
  if (found === undefined) throw notFound(resource, ref.name);
  return found;
}

/** The body with the namespace of the request; throws 400 when they differ. */
export function placed(resource: Resource, namespace: string | undefined, body: Json): JsonObject {
  const object = checkType(resource, body);
  const given = namespaceOf(object);
  if (!resource.namespaced) return withValue(object, ["metadata", "namespace"], undefined);
  const wanted = namespace ?? given;
  if (given !== "" && given !== wanted) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (wanted === "") throw badRequest("an empty namespace may not be set during creation");
  return withValue(object, ["metadata", "namespace"], wanted);
}

export interface Creation {
  /** Already decided who owns what (server-side apply). */
  readonly owned?: boolean;
}

export function create(
  context: Context,
  resource: Resource,
  request: { readonly namespace: string | undefined; readonly body: Json } & Creation,
  options: WriteOptions,
): Written {
  const named = withName(context, resource, placed(resource, request.namespace, request.body));
  if (stringOf(metaOf(named)["resourceVersion"]) !== "") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  requireNamespace(context, resource, named);
  const name = nameOf(named);
  if (context.store.get(resource.storage, namespaceOf(named), name) !== undefined) throw alreadyExists(resource, name);
  const { object: decoded, warnings } = decode(resource, named, { fieldValidation: options.fieldValidation ?? "Warn" });
  const initial = initialized(context, resource, decoded);
  const more = options.trusted === true ? [] : validate(resource, initial);
  const writer = writerOf(context, resource, options);
  const owned = request.owned === true ? initial : withFirstOwner(resource, initial, named, writer);
  const object = commit(context, resource, owned, options.dryRun === true);
  return { object, warnings: [...warnings, ...more], created: true };
}

/** What the server itself fills in, and so belongs to nobody, unless the request says it. */
const SERVER_FIELDS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  Service: ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"].map((key) => ["spec", key]),
  Namespace: [["spec"]],
};

/** Everything but the status and what the server made belongs to the creator. */
function withFirstOwner(resource: Resource, object: JsonObject, request: JsonObject, writer: Writer): JsonObject {
  const untracked = resource.builtin ? (SERVER_FIELDS[resource.kind] ?? []) : [];
  const own = untracked
    .filter((path) => at(request, ...path) === undefined)
    .reduce((rest, path) => withValue(rest, path, undefined), object);
  const body = resource.status ? withValue(own, ["status"], undefined) : own;
  return withOwners(object, ownersAfterUpdate(undefined, body, resource.schema, writer));
}

const SUFFIX = "bcdfghjklmnpqrstvwxz2456789";

/** The next suffix of a generated name: five letters that spell nothing and never repeat soon. */
function nextSuffix(context: Context): string {
  context.counters.names += 1;
  let rest = (context.counters.names * 7_368_787) % SUFFIX.length ** 5;
  let text = "";
  for (let index = 0; index < 5; index += 1) {
    text += SUFFIX.charAt(rest % SUFFIX.length);
    rest = Math.floor(rest / SUFFIX.length);
  }
  return text;
}

function withName(context: Context, resource: Resource, object: JsonObject): JsonObject {
  if (nameOf(object) !== "") return object;
  const prefix = stringOf(metaOf(object)["generateName"]);
  if (prefix !== "") return withValue(object, ["metadata", "name"], prefix + nextSuffix(context));
  const detail = "name or generateName is required";
  throw invalid(resource, "", [{ type: "FieldValueRequired", field: "metadata.name", detail }]);
}

function requireNamespace(context: Context, resource: Resource, object: JsonObject): void {
  if (!resource.namespaced) return;
  const name = namespaceOf(object);
  const namespace = context.store.get("/namespaces", "", name);
  if (namespace === undefined) throw notFound(namespacesTarget, name);
  if (metaOf(namespace)["deletionTimestamp"] === undefined) return;
  const why = `unable to create new content in namespace ${name} because it is being terminated`;
  throw forbidden(resource, nameOf(object), why);
}

function initialized(context: Context, resource: Resource, object: JsonObject): JsonObject {
  const { deletionTimestamp: _deleted, deletionGracePeriodSeconds: _grace, ...given } = metaOf(object);
  const metadata = {
    ...given,
    uid: context.uid(),
    creationTimestamp: timestamp(context),
    ...(countsGenerations(resource) ? { generation: 1 } : {}),
  };
  const typed = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
  // Status is the controllers' to write; namespaces start with a phase that the defaults gave them.
  const keepStatus = !resource.status || resource.kind === "Namespace";
  const fresh = keepStatus ? typed : withValue(typed, ["status"], initialStatus(context, resource, typed));
  return allocated(context, resource, fresh, undefined);
}

function initialStatus(context: Context, resource: Resource, object: JsonObject): Json | undefined {
  if (resource.kind === "CustomResourceDefinition") return acceptedStatus(object, timestamp(context));
  // Nodes are made with their status, since no kubelet runs here.
  if (resource.kind === "Node") return object["status"];
  return resource.builtin ? (INITIAL_STATUS[resource.kind] ?? {}) : undefined;
}

const INITIAL_STATUS: Readonly<Record<string, JsonObject>> = {
  Pod: { phase: "Pending", qosClass: "BestEffort" },
  Service: { loadBalancer: {} },
  Ingress: { loadBalancer: {} },
  ReplicaSet: { replicas: 0 },
  StatefulSet: { availableReplicas: 0, replicas: 0 },
  DaemonSet: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  HorizontalPodAutoscaler: { currentMetrics: null, desiredReplicas: 0 },
  PodDisruptionBudget: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
};

function allocated(context: Context, resource: Resource, object: JsonObject, old: JsonObject | undefined): JsonObject {
  if (resource.group !== "" || resource.kind !== "Service") return object;
  return withClusterIp(object, old, () => clusterIp(context.counters.services++));
}

export interface Update {
  readonly ref: Ref;
  readonly old: JsonObject;
  readonly next: JsonObject;
  /** Patches word the errors of unknown fields differently. */
  readonly patched?: boolean;
  readonly owned?: boolean;
}

/** Brings an object to a new state, through the rules that hold for every kind of update. */
export function update(context: Context, resource: Resource, change: Update, options: WriteOptions): Written {
  const { ref, old } = change;
  // What stays as it is, is told from what changes by every step below without a look inside.
  const next = placed(resource, ref.namespace, sharing(change.next, old));
  if (nameOf(next) !== "" && nameOf(next) !== ref.name) {
    throw badRequest(`the name of the object (${nameOf(next)}) does not match the name on the URL (${ref.name})`);
  }
  const decoded = decode(resource, withValue(next, ["metadata", "name"], ref.name), {
    fieldValidation: options.fieldValidation ?? "Warn",
    patched: change.patched === true,
    old,
  });
  const prepared = prepareUpdate(resource, old, decoded.object, options.subresource);
  const settled = sharing(settle(context, resource, prepared, old), old);
  const more = sameJson(settled, old) ? [] : validate(resource, settled, old);
  const writer = writerOf(context, resource, options);
  const owned =
    change.owned === true ? settled : withOwners(settled, ownersAfterUpdate(old, settled, resource.schema, writer));
  const warnings = [...decoded.warnings, ...more];
  if (sameJson(owned, old)) return { object: old, warnings, created: false };
  const object = commit(context, resource, owned, options.dryRun === true);
  return { object, warnings, created: false };
}

function settle(context: Context, resource: Resource, object: JsonObject, old: JsonObject): JsonObject {
  const placedObject = allocated(context, resource, object, old);
  if (resource.kind !== "CustomResourceDefinition" || sameJson(at(object, "spec"), at(old, "spec")))
    return placedObject;
  return { ...placedObject, status: acceptedStatus(object, timestamp(context)) };
}

/** Stores an object, unless it is a dry run, with everything that follows from it. Answers the served form. */
export function commit(context: Context, resource: Resource, object: JsonObject, dryRun: boolean): JsonObject {
  if (dryRun) return frozen(object);
  const result = context.store.put(resource.storage, stored(resource, object));
  context.owners.set(resource.storage, result);
  if (resource.kind === "CustomResourceDefinition") context.registry.setCustom(nameOf(result), resourcesOf(result));
  if (metaOf(result)["deletionTimestamp"] !== undefined && arrayOf(metaOf(result)["finalizers"]).length === 0) {
    return served(resource, finishIfFinalized(context, resource.storage, result));
  }
  return served(resource, result);
}

import type { Context } from "./context.ts";
import { served } from "./conversion.ts";
import { isObject, nameOf, namespaceOf, numberOf, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { predicateOf } from "./selectors.ts";
import type { Selectors } from "./selectors.ts";
import { badRequest } from "./status.ts";

export interface ListRequest extends Selectors {
  readonly namespace?: string | undefined;
  /** Objects a page; all when left out. */
  readonly limit?: number | undefined;
  /** What the page before said to go on with. */
  readonly continue?: string | undefined;
}

export interface ListAnswer {
  readonly items: readonly JsonObject[];
  readonly resourceVersion: string;
  /** Empty on the last page. */
  readonly continue: string;
  readonly remaining: number | undefined;
}

/** Lists the present state in pages. Pages after the first keep the first one's resourceVersion. */
export function listObjects(context: Context, resource: Resource, request: ListRequest): ListAnswer {
  const accepts = predicateOf(resource, request);
  const token = request.continue === undefined || request.continue === "" ? undefined : readToken(request.continue);
  const namespace = resource.namespaced ? request.namespace : undefined;
  const all = context.store
    .list(resource.storage, namespace)
    .filter((object) => token === undefined || keyOf(object) > token.after)
    .map((object) => served(resource, object))
    .filter(accepts);
  const version = token?.version ?? String(context.store.version());
  const limit = request.limit ?? 0;
  if (limit <= 0 || all.length <= limit) {
    return { items: all, resourceVersion: version, continue: "", remaining: undefined };
  }
  const items = all.slice(0, limit);
  const last = items.at(-1);
  const next = last === undefined ? "" : writeToken({ version, after: keyOf(last) });
  return { items, resourceVersion: version, continue: next, remaining: all.length - limit };
}

/** The list as it goes over the wire. */
export function listObject(resource: Resource, answer: ListAnswer): JsonObject {
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: listMeta(answer),
    items: answer.items,
  };
}

export function listMeta(answer: ListAnswer): JsonObject {
  return {
    resourceVersion: answer.resourceVersion,
    ...(answer.continue === "" ? {} : { continue: answer.continue, remainingItemCount: answer.remaining ?? 0 }),
  };
}

const keyOf = (object: JsonObject): string => `${namespaceOf(object)}/${nameOf(object)}`;

interface Token {
  readonly version: string;
  readonly after: string;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: Number(token.version), after: token.after })).toString("base64url");
}

function readToken(text: string): Token {
  let value: Json = null;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString()) as Json;
  } catch {
    throw badRequest("continue key is not valid");
  }
  if (!isObject(value)) throw badRequest("continue key is not valid");
  return { version: String(numberOf(value["v"]) ?? 0), after: stringOf(value["after"]) };
}

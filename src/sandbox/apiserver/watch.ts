import type { JsonObject } from "./json.ts";
import type { Predicate } from "./selectors.ts";
import { expired } from "./status.ts";
import type { Change, Store } from "./store.ts";
import type { Resource } from "./resources.ts";
import { apiVersionOf } from "./resources.ts";

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: JsonObject;
}

export interface WatchRequest {
  readonly namespace?: string | undefined;
  /** Empty or "0": the present state as ADDED events first. */
  readonly resourceVersion?: string | undefined;
  readonly sendInitialEvents?: boolean | undefined;
  readonly accepts: Predicate;
}

/** A watch that is under way: what happened before it started, and how to stop it. */
export interface WatchHandle {
  stop(): void;
  /** A bookmark with the newest resourceVersion. */
  bookmark(): WatchEvent;
}

/**
 * Watches a kind. Events since `resourceVersion` are given at once, later ones as they happen, synchronously.
 * An object that starts or stops matching the selector comes as ADDED or DELETED.
 * Throws 410 when the resourceVersion is older than the history.
 */
export function watchStore(
  store: Store,
  resource: Resource,
  request: WatchRequest,
  send: (event: WatchEvent) => void,
): WatchHandle {
  const inScope = (object: JsonObject) =>
    request.namespace === undefined || (object["metadata"] as JsonObject)["namespace"] === request.namespace;
  const accepts: Predicate = (object) => inScope(object) && request.accepts(object);
  const forward = (change: Change) => {
    const event = eventFor(change, accepts);
    if (event !== undefined) send(event);
  };
  replay({ store, resource, request, accepts, send, forward });
  const stop = store.subscribe(resource.storage, forward);
  return { stop: () => void stop(), bookmark: () => bookmark(resource, store.version()) };
}

interface Replay {
  readonly store: Store;
  readonly resource: Resource;
  readonly request: WatchRequest;
  readonly accepts: Predicate;
  readonly send: (event: WatchEvent) => void;
  readonly forward: (change: Change) => void;
}

function replay({ store, resource, request, accepts, send, forward }: Replay): void {
  const since = Number(request.resourceVersion ?? "0");
  if (since === 0 || request.sendInitialEvents === true) {
    for (const object of store.list(resource.storage, request.namespace)) {
      if (accepts(object)) send({ type: "ADDED", object });
    }
    if (request.sendInitialEvents === true) send(bookmark(resource, store.version(), true));
    return;
  }
  const past = store.since(resource.storage, since);
  if ("oldest" in past) throw expired(since, past.oldest);
  past.changes.forEach(forward);
}

function eventFor(change: Change, accepts: Predicate): WatchEvent | undefined {
  const before = change.previous !== undefined && accepts(change.previous);
  if (change.type === "DELETED") return before ? { type: "DELETED", object: change.object } : undefined;
  const now = accepts(change.object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: change.object };
  if (!before || change.previous === undefined) return undefined;
  // The last matching state, under the version of the change that ended it.
  const metadata = { ...(change.previous["metadata"] as JsonObject), resourceVersion: String(change.resourceVersion) };
  return { type: "DELETED", object: { ...change.previous, metadata } };
}

function bookmark(resource: Resource, version: number, initial = false): WatchEvent {
  const annotations = initial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
  return {
    type: "BOOKMARK",
    object: {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(version), creationTimestamp: null, ...annotations },
    },
  };
}

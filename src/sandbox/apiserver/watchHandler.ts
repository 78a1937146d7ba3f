import type { ServerResponse } from "node:http";
import type { ApiServer, WatchQuery } from "./apiServer.ts";
import { at, stringOf } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { flag, whole } from "./request.ts";
import type { Address, ApiRequest } from "./request.ts";
import { formOf } from "./resourceHandler.ts";
import type { Resource } from "./resources.ts";
import { ApiError } from "./status.ts";
import { partialMetadata, tableOf } from "./tables.ts";
import type { WatchEvent, WatchHandle } from "./watch.ts";

export interface WatchCall {
  readonly core: ApiServer;
  readonly request: ApiRequest;
  readonly address: Address;
  readonly response: ServerResponse;
  readonly bookmarkIntervalMs: number;
}

/** The real server ends watches after 30 to 60 minutes when the client names no time. */
const DEFAULT_TIMEOUT_S = 1800;

/** Streams a watch until the client goes, its time is up, or the server stops. Throws `ApiError` before it starts. */
export function serveWatch(call: WatchCall): void {
  const { core, request, address, response } = call;
  const resource = core.resource(address.group, address.version, address.plural);
  const send = (event: JsonObject) => response.write(`${JSON.stringify(event)}\n`);
  const query = queryOf(request, address);
  const render = rendererOf(core, resource, request);
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  // kubectl waits for the headers, also when nothing happens for long.
  response.flushHeaders();
  let handle: WatchHandle;
  try {
    handle = core.watch(resource, query, (event) => send(render(event)));
  } catch (error) {
    if (error instanceof ApiError) send({ type: "ERROR", object: error.toStatus() });
    response.end();
    return;
  }
  keepOpen(call, handle, (event) => send(render(event)));
}

function keepOpen(call: WatchCall, handle: WatchHandle, send: (event: WatchEvent) => void): void {
  const { request, response } = call;
  const allowsBookmarks = flag(request.query, "allowWatchBookmarks");
  const bookmarks = allowsBookmarks ? setInterval(() => send(handle.bookmark()), call.bookmarkIntervalMs) : undefined;
  const timeoutMs = (whole(request.query, "timeoutSeconds") ?? DEFAULT_TIMEOUT_S) * 1000;
  const end = setTimeout(() => {
    if (allowsBookmarks) send(handle.bookmark());
    handle.stop();
    response.end();
  }, timeoutMs);
  response.once("close", () => {
    clearInterval(bookmarks);
    clearTimeout(end);
    handle.stop();
  });
}

/** A watch on one object is a watch with a field selector. */
function queryOf(request: ApiRequest, address: Address): WatchQuery {
  const { query } = request;
  const byName = address.name === undefined ? undefined : `metadata.name=${address.name}`;
  return {
    namespace: address.namespace,
    labelSelector: query.get("labelSelector") ?? undefined,
    fieldSelector: byName ?? query.get("fieldSelector") ?? undefined,
    resourceVersion: query.get("resourceVersion") ?? undefined,
    sendInitialEvents: flag(query, "sendInitialEvents"),
  };
}

type Render = (event: WatchEvent) => JsonObject;

function rendererOf(core: ApiServer, resource: Resource, request: ApiRequest): Render {
  const form = formOf(request.accept);
  const include = request.query.get("includeObject") ?? "Metadata";
  let isFirst = true;
  return (event) => {
    if (form === "Object" || event.type === "BOOKMARK") return { type: event.type, object: event.object };
    if (form !== "Table") return { type: event.type, object: partialMetadata(event.object) };
    const metadata = { resourceVersion: stringOf(at(event.object, "metadata", "resourceVersion")) };
    const table = tableOf({ resource, items: [event.object], metadata, now: core.now(), include });
    // Column definitions come once, with the first event.
    const object = isFirst ? table : { ...table, columnDefinitions: null };
    isFirst = false;
    return { type: event.type, object };
  };
}

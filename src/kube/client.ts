import type { Connection } from "./config.ts";
import { KubeError, isKubeError } from "./errors.ts";
import { apiVersionOf, pathOf } from "./kinds.ts";
import { FIELD_MANAGER } from "./port.ts";
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  Kube,
  KubeObject,
  ListOptions,
  ObjectList,
  ObjectRef,
  PatchOperation,
  PatchOptions,
  ResourceKind,
  WatchEvent,
  WatchOptions,
} from "./port.ts";
import { createTransport } from "./transport.ts";
import type { Transport, TransportOptions, Verb } from "./transport.ts";
import { readWatchStream } from "./watchStream.ts";

export interface KubeOptions extends TransportOptions {
  /**
   * Silence after which a watch counts as dead; default 150 s. Bookmarks come every minute, but kube-apiserver 1.36 was
   * seen to send the first one on a quiet kind only after two.
   */
  readonly watchInactivityMs?: number;
}

const DEFAULT_INACTIVITY_MS = 150_000;
const DEFAULT_PAGE_SIZE = 500;

/** The port over HTTP, on the connections of `connection`. Several clients may share them, each with its own fence. */
export function createKube(connection: Connection, options: KubeOptions = {}): Kube {
  const transport = createTransport(connection, options);
  const inactivityMs = options.watchInactivityMs ?? DEFAULT_INACTIVITY_MS;
  return {
    get: (kind, ref, call) => get(transport, kind, ref, call),
    list: (kind, list) => listAll(transport, kind, list ?? {}),
    watch: (kind, watch) => watchFrom(transport, kind, { ...watch, inactivityMs }),
    serves: (kind, call) => serves(transport, kind, call),
    ...writes(transport),
  };
}

type Writes = Pick<Kube, "create" | "apply" | "jsonPatch" | "mergePatch" | "replace" | "delete">;

function writes(transport: Transport): Writes {
  const patch = async <T>(call: PatchCall): Promise<T> => {
    const { kind, ref, contentType, body, options } = call;
    return (await transport.call({
      verb: "patch",
      kind,
      path: pathOf(kind, ref.namespace, ref.name, options?.subresource),
      query: { fieldManager: FIELD_MANAGER, fieldValidation: options?.strict === true ? "Strict" : undefined },
      body,
      contentType,
      signal: options?.signal,
    })) as T;
  };
  return {
    create: <T extends KubeObject>(kind: ResourceKind, object: T, options?: CallOptions) =>
      send<T>(transport, { verb: "create", kind, object, options }),
    replace: <T extends KubeObject>(kind: ResourceKind, object: T, options?: CallOptions) =>
      send<T>(transport, { verb: "update", kind, object, options }),
    apply: (kind, object, options) => apply(transport, kind, object, options),
    jsonPatch: (kind, ref, body, options) => patch({ kind, ref, body, contentType: JSON_PATCH, options }),
    mergePatch: (kind, ref, body, options) => patch({ kind, ref, body, contentType: MERGE_PATCH, options }),
    delete: (kind, ref, options) => remove(transport, kind, ref, options ?? {}),
  };
}

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const APPLY_PATCH = "application/apply-patch+yaml";

/** How the API server is asked to leave out everything but metadata. Source: Kubernetes API concepts. */
function metadataAs(form: "PartialObjectMetadata" | "PartialObjectMetadataList"): string {
  return `application/json;as=${form};g=meta.k8s.io;v=v1`;
}

interface PatchCall {
  readonly kind: ResourceKind;
  readonly ref: ObjectRef;
  readonly contentType: string;
  readonly body: readonly PatchOperation[] | Readonly<Record<string, unknown>>;
  readonly options: PatchOptions | undefined;
}

interface WholeObjectCall {
  readonly verb: Verb & ("create" | "update");
  readonly kind: ResourceKind;
  readonly object: KubeObject;
  readonly options: CallOptions | undefined;
}

async function send<T>(transport: Transport, { verb, kind, object, options }: WholeObjectCall): Promise<T> {
  const { namespace, name } = object.metadata;
  return (await transport.call({
    verb,
    kind,
    path: pathOf(kind, namespace, verb === "create" ? undefined : name),
    query: { fieldManager: FIELD_MANAGER },
    body: object,
    signal: options?.signal,
  })) as T;
}

async function apply<T extends KubeObject>(
  transport: Transport,
  kind: ResourceKind,
  object: T,
  options?: ApplyOptions,
): Promise<T> {
  const { namespace, name } = object.metadata;
  return (await transport.call({
    verb: "apply",
    kind,
    path: pathOf(kind, namespace, name),
    query: { fieldManager: FIELD_MANAGER, force: options?.force === true ? true : undefined },
    // JSON is YAML.
    body: object,
    contentType: APPLY_PATCH,
    signal: options?.signal,
  })) as T;
}

async function remove(transport: Transport, kind: ResourceKind, ref: ObjectRef, options: DeleteOptions): Promise<void> {
  try {
    await transport.call({
      verb: "delete",
      kind,
      path: pathOf(kind, ref.namespace, ref.name),
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
        ...(options.propagation === undefined ? {} : { propagationPolicy: options.propagation }),
      },
      signal: options.signal,
    });
  } catch (error) {
    if (!isKubeError(error, "NotFound")) throw error;
  }
}

async function get<T>(
  transport: Transport,
  kind: ResourceKind,
  ref: ObjectRef,
  options?: CallOptions,
): Promise<T | undefined> {
  try {
    const path = pathOf(kind, ref.namespace, ref.name);
    return (await transport.call({ verb: "get", kind, path, signal: options?.signal })) as T;
  } catch (error) {
    if (isKubeError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function serves(transport: Transport, kind: ResourceKind, options?: CallOptions): Promise<boolean> {
  const path = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  try {
    const answer = (await transport.call({ verb: "discover", kind, path, signal: options?.signal })) as {
      readonly resources?: readonly { readonly name: string }[];
    };
    return answer.resources?.some(({ name }) => name === kind.plural) ?? false;
  } catch (error) {
    if (isKubeError(error, "NotFound")) return false;
    throw error;
  }
}

interface ListPage<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: T[] | null;
}

/** A token for the next page lives some minutes; when it is gone the list is asked for once more, in one piece. */
async function listAll<T extends KubeObject>(
  transport: Transport,
  kind: ResourceKind,
  options: ListOptions,
): Promise<ObjectList<T>> {
  try {
    return await listPages(transport, kind, options, options.pageSize ?? DEFAULT_PAGE_SIZE);
  } catch (error) {
    if (!isKubeError(error, "Gone")) throw error;
    return listPages(transport, kind, options, undefined);
  }
}

async function listPages<T extends KubeObject>(
  transport: Transport,
  kind: ResourceKind,
  options: ListOptions,
  limit: number | undefined,
): Promise<ObjectList<T>> {
  const items: T[] = [];
  const apiVersion = apiVersionOf(kind);
  let token: string | undefined;
  for (;;) {
    const { labelSelector, fieldSelector, signal, namespace } = options;
    const query = { labelSelector, fieldSelector, limit, continue: token };
    const page = (await transport.call({
      verb: "list",
      kind,
      path: pathOf(kind, namespace),
      query,
      ...(kind.metadataOnly === true ? { accept: metadataAs("PartialObjectMetadataList") } : {}),
      signal,
    })) as ListPage<T>;
    // The API server leaves both out of the items of a list.
    for (const item of page.items ?? []) items.push({ ...item, apiVersion, kind: kind.kind });
    token = page.metadata.continue;
    if (token === undefined || token === "") return { items, resourceVersion: page.metadata.resourceVersion ?? "" };
  }
}

async function* watchFrom<T extends KubeObject>(
  transport: Transport,
  kind: ResourceKind,
  options: WatchOptions & { readonly inactivityMs: number },
): AsyncGenerator<WatchEvent<T>> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal, inactivityMs } = options;
  if (resourceVersion === "") {
    throw new KubeError({
      reason: "Invalid",
      status: 0,
      message: `watch of ${kind.plural}: no resourceVersion to start from`,
    });
  }
  const body = await transport.open({
    verb: "watch",
    kind,
    path: pathOf(kind, namespace),
    query: { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds, labelSelector, fieldSelector },
    ...(kind.metadataOnly === true ? { accept: metadataAs("PartialObjectMetadata") } : {}),
    signal,
  });
  const events = readWatchStream<T>(body, { inactivityMs, signal });
  for await (const event of events) yield kind.metadataOnly === true ? named(kind, event) : event;
}

/** Metadata comes as an object of kind PartialObjectMetadata, whatever it is the metadata of. */
function named<T extends KubeObject>(kind: ResourceKind, event: WatchEvent<T>): WatchEvent<T> {
  if (event.type === "BOOKMARK") return event;
  return { ...event, object: { ...event.object, apiVersion: apiVersionOf(kind), kind: kind.kind } };
}

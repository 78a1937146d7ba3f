import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type ApiClient, type ApiClientOptions, ApiError, createApiClient } from "./apiClient.ts";
import { waitFor } from "./polling.ts";
import { createKindLookup, resourcePath, type Served } from "./resources.ts";

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Names one object; the namespace is `default` when left out. */
export interface ObjectRef extends Kind {
  readonly name: string;
  readonly namespace?: string;
}

export interface Selection extends Kind {
  /** All namespaces when left out. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WatchOptions extends Selection {
  /** Watch from here; what exists now comes as ADDED first when left out. */
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

export interface PatchOptions {
  /** `merge` when left out; `json` takes a list of operations. */
  readonly type?: "merge" | "json" | "strategic";
  readonly subresource?: string;
  readonly fieldManager?: string;
}

export interface ApplyOptions {
  /** `test` when left out. */
  readonly fieldManager?: string;
  /** Takes over fields of other managers; true when left out. */
  readonly force?: boolean;
  /** For objects that name none. */
  readonly namespace?: string;
  readonly dryRun?: boolean;
}

/** An API server as one user sees it. Everything throws ApiError when the server refuses. */
export interface Cluster {
  readonly client: ApiClient;
  /** Server-side apply of YAML (any number of documents) or objects, in the given order; returns what is stored. */
  apply<T extends KubeObject = KubeObject>(input: ApplyInput, options?: ApplyOptions): Promise<T[]>;
  create<T extends KubeObject = KubeObject>(object: CreateInput): Promise<T>;
  /** `undefined` when there is none. */
  get<T = KubeObject>(ref: ObjectRef): Promise<T | undefined>;
  list<T = KubeObject>(selection: Selection): Promise<T[]>;
  patch<T = KubeObject>(ref: ObjectRef, body: unknown, options?: PatchOptions): Promise<T>;
  /** An object that is not there is no error. Dependents are collected in the background. */
  delete(ref: ObjectRef, options?: { readonly gracePeriodSeconds?: number }): Promise<void>;
  /** Ends when the server ends it, and throws when the connection breaks or the signal aborts. */
  watch<T = KubeObject>(options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, undefined>;
  /** Applies every CustomResourceDefinition of a folder (not its subfolders) and waits until all are Established. */
  installCrds(folder: string): Promise<void>;
  /** Makes a namespace with a name that nobody else has. */
  namespace(prefix?: string): Promise<string>;
  close(): Promise<void>;
}

export type ApplyInput = string | object | readonly object[];
/** An object that may leave its name to the server by `generateName`. */
export type CreateInput = Kind & { readonly metadata: object; readonly [field: string]: unknown };

/** Connects as one user: the admin of a ControlPlane, or anybody whose token is at hand. */
export function connect(options: ApiClientOptions): Cluster {
  const client = createApiClient(options);
  const lookUp = createKindLookup(client);
  const pathOf = async ({ apiVersion, kind, name, namespace }: ObjectRef): Promise<string> =>
    resourcePath(await lookUp(apiVersion, kind), namespace, name);
  const apply = <T>(input: ApplyInput, options: ApplyOptions = {}): Promise<T[]> =>
    applyInOrder(client, pathOf, toObjects(input), options);
  return {
    client,
    apply,
    create: async (object) => {
      const { namespace } = object.metadata as { namespace?: string };
      const path = resourcePath(await lookUp(object.apiVersion, object.kind), namespace);
      return client.request({ method: "POST", path, body: object });
    },
    get: async (ref) => orUndefined(client.request({ path: await pathOf(ref) })),
    list: (selection) => list(client, lookUp, selection),
    patch: async (ref, body, options = {}) => sendPatch(client, await pathOf(ref), body, options),
    delete: async (ref, options = {}) => {
      const body = { propagationPolicy: "Background", ...options };
      await orUndefined(client.request({ method: "DELETE", path: await pathOf(ref), body }));
    },
    watch: (options) => watch(client, lookUp, options),
    installCrds: (folder) => installCrds(client, apply, folder),
    namespace: async (prefix = "test") => {
      const name = `${prefix}-${randomBytes(4).toString("hex")}`;
      await client.request({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name } } });
      return name;
    },
    close: () => client.close(),
  };
}

type LookUp = (apiVersion: string, kind: string) => Promise<Served>;

function collectionPath(served: Served, namespace: string | undefined): string {
  return namespace === undefined ? `${served.root}/${served.plural}` : resourcePath(served, namespace);
}

async function list<T>(client: ApiClient, lookUp: LookUp, selection: Selection): Promise<T[]> {
  const { apiVersion, kind, namespace, labelSelector, fieldSelector } = selection;
  const path = collectionPath(await lookUp(apiVersion, kind), namespace);
  const { items } = await client.request<{ items: T[] }>({ path, query: { labelSelector, fieldSelector } });
  // A list leaves them out of its items.
  return items.map((item) => ({ apiVersion, kind, ...item }));
}

async function* watch<T>(
  client: ApiClient,
  lookUp: LookUp,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { apiVersion, kind, namespace, labelSelector, fieldSelector, resourceVersion, signal } = options;
  const path = collectionPath(await lookUp(apiVersion, kind), namespace);
  const query = { watch: true, labelSelector, fieldSelector, resourceVersion };
  const request = { path, query, ...(signal === undefined ? {} : { signal }) };
  for await (const line of client.lines(request)) yield JSON.parse(line) as WatchEvent<T>;
}

async function applyInOrder<T>(
  client: ApiClient,
  pathOf: (ref: ObjectRef) => Promise<string>,
  objects: readonly KubeObject[],
  options: ApplyOptions,
): Promise<T[]> {
  const stored: T[] = [];
  for (const object of objects) {
    const { name, namespace = options.namespace ?? "default" } = object.metadata;
    const path = await pathOf({ apiVersion: object.apiVersion, kind: object.kind, name, namespace });
    stored.push(await sendApply<T>(client, path, object, options));
  }
  return stored;
}

function sendPatch<T>(client: ApiClient, path: string, body: unknown, options: PatchOptions): Promise<T> {
  const { type = "merge", subresource, fieldManager = "test" } = options;
  const contentType =
    type === "strategic" ? "application/strategic-merge-patch+json" : `application/${type}-patch+json`;
  const target = subresource === undefined ? path : `${path}/${subresource}`;
  return client.request({ method: "PATCH", path: target, query: { fieldManager }, contentType, body });
}

function sendApply<T>(client: ApiClient, path: string, object: KubeObject, options: ApplyOptions): Promise<T> {
  const { fieldManager = "test", force = true, dryRun = false } = options;
  const query = { fieldManager, force, dryRun: dryRun ? "All" : undefined };
  return client.request<T>({ method: "PATCH", path, query, contentType: "application/apply-patch+yaml", body: object });
}

async function installCrds(
  client: ApiClient,
  apply: (input: ApplyInput) => Promise<KubeObject[]>,
  folder: string,
): Promise<void> {
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  const objects = files.flatMap((name) => toObjects(readFileSync(join(folder, name), "utf8")));
  const crds = objects.filter(({ kind }) => kind === "CustomResourceDefinition");
  await apply(crds);
  for (const { metadata } of crds) {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`;
    await waitFor(`CRD ${metadata.name} to be established`, () => client.request<Crd>({ path }), {
      until: isEstablished,
    });
  }
}

interface Crd {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function isEstablished({ status }: Crd): boolean {
  return status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
}

function toObjects(input: ApplyInput): KubeObject[] {
  if (typeof input !== "string") return (Array.isArray(input) ? input : [input]) as KubeObject[];
  return parseAllDocuments(input).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return (document.toJS() as KubeObject | null) ?? [];
  });
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.statusCode === 404) return undefined;
    throw error;
  }
}

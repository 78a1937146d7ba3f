import type { ApiClient } from "./apiClient.ts";

/** Where a kind is served. */
export interface Served {
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly root: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** Looks kinds up by discovery; what was found is remembered. Throws when the kind is not served. */
export function createKindLookup(client: ApiClient): (apiVersion: string, kind: string) => Promise<Served> {
  const known = new Map<string, Served>();
  return async (apiVersion, kind) => {
    const key = `${apiVersion} ${kind}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { resources } = await client.request<ResourceList>({ path: root });
    const resource = resources.find(({ name, kind: itsKind }) => itsKind === kind && !name.includes("/"));
    if (resource === undefined) throw new Error(`${apiVersion} serves no kind ${kind}`);
    const served = { root, plural: resource.name, namespaced: resource.namespaced };
    known.set(key, served);
    return served;
  };
}

/** Path of a kind's collection, or of one object when there is a name. The namespace is `default` when left out. */
export function resourcePath(served: Served, namespace: string | undefined, name?: string): string {
  const scope = served.namespaced ? `/namespaces/${namespace ?? "default"}` : "";
  return `${served.root}${scope}/${served.plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}

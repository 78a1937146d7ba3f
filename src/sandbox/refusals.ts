import { createApiServer } from "./apiserver/apiServer.ts";
import type { ApiServer } from "./apiserver/apiServer.ts";
import { installGatewayApi } from "./apiserver/gatewayApi.ts";
import type { JsonObject } from "./apiserver/json.ts";
import { ApiError } from "./apiserver/status.ts";
import { installAviary } from "./installAviary.ts";
import { kindNamed } from "./kinds.ts";

/** An object as a manifest has it. */
export interface Manifest {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/**
 * What an API server with Aviary's CRDs would say to each object; undefined where it would take it, or where the kind
 * is none of those that are known here. Each is looked at by itself: neither namespaces nor other objects matter.
 */
export function refusalsOf(objects: readonly Manifest[]): readonly (string | undefined)[] {
  const core = createApiServer({ namespaces: namespacesOf(objects) });
  installGatewayApi(core);
  installAviary(core);
  return refusalsBy(core, objects);
}

export function namespacesOf(objects: readonly Manifest[]): readonly string[] {
  return [...new Set(objects.flatMap(({ metadata }) => metadata?.namespace ?? []))];
}

/** The same by an API server that has their namespaces. Nothing is kept. */
export function refusalsBy(core: ApiServer, objects: readonly Manifest[]): readonly (string | undefined)[] {
  return objects.map((object) => {
    const { apiVersion = "", kind = "", metadata } = object;
    const known = kindNamed(apiVersion, kind);
    if (known === undefined) return undefined;
    try {
      const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
      const resource = core.resource(known.group, version, known.plural);
      const namespace = known.namespaced ? (metadata?.namespace ?? "default") : undefined;
      core.create(resource, namespace, object as unknown as JsonObject, { dryRun: true, fieldValidation: "Strict" });
      return undefined;
    } catch (error) {
      if (error instanceof ApiError) return error.code === 409 ? undefined : error.message;
      throw error;
    }
  });
}

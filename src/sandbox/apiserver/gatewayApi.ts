import { readFileSync, readdirSync } from "node:fs";
import { parse } from "yaml";
import type { ApiServer } from "./apiServer.ts";
import { nameOf } from "./json.ts";
import type { JsonObject } from "./json.ts";

let definitions: readonly JsonObject[] | undefined;

/** The definitions of the Gateway API, and of KEDA's ScaledObject, in the sandbox's compact form. */
export function gatewayApiDefinitions(): readonly JsonObject[] {
  definitions ??= readDefinitions();
  return structuredClone(definitions);
}

function readDefinitions(): readonly JsonObject[] {
  const folder = new URL("./crds/", import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .toSorted()
    .map((file) => parse(readFileSync(new URL(file, folder), "utf8")) as JsonObject);
}

/** Serves GatewayClass, Gateway, the routes, ReferenceGrant and KEDA's ScaledObject. */
export function installGatewayApi(server: ApiServer): void {
  installDefinitions(server, gatewayApiDefinitions());
}

/** Creates custom resource definitions, or brings them to the given state. */
export function installDefinitions(server: ApiServer, definitions: readonly JsonObject[]): void {
  const resource = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  for (const body of definitions) {
    const request = { type: "apply", body, force: true } as const;
    server.patch(resource, { name: nameOf(body) }, request, { fieldManager: "sandbox" });
  }
}

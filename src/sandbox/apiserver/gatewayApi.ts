import { definitions } from "../definitions.ts";
import type { ApiServer } from "./apiServer.ts";
import { nameOf } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** The definitions of the Gateway API, and of KEDA's ScaledObject, in the sandbox's compact form. */
export function gatewayApiDefinitions(): readonly JsonObject[] {
  return structuredClone(definitions().gatewayApi);
}

/** Serves GatewayClass, Gateway, the routes, ReferenceGrant and KEDA's ScaledObject. */
export function installGatewayApi(server: ApiServer): void {
  installDefinitions(server, gatewayApiDefinitions());
}

/** Creates custom resource definitions, or brings them to the given state. */
export function installDefinitions(server: ApiServer, wanted: readonly JsonObject[]): void {
  const resource = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  for (const body of wanted) {
    const request = { type: "apply", body, force: true } as const;
    server.patch(resource, { name: nameOf(body) }, request, { fieldManager: "sandbox" });
  }
}

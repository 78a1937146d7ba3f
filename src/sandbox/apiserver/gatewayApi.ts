import { definitions } from "../definitions.ts";
import type { ApiServer } from "./apiServer.ts";
import type { WriteOptions } from "./context.ts";
import type { JsonObject } from "./json.ts";

/** Serves GatewayClass, Gateway, the routes, ReferenceGrant and KEDA's ScaledObject, in the sandbox's compact form. */
export function installGatewayApi(server: ApiServer): void {
  installDefinitions(server, definitions().gatewayApi, { trusted: true });
}

/** Creates custom resource definitions. */
export function installDefinitions(
  server: ApiServer,
  wanted: readonly JsonObject[],
  options: Pick<WriteOptions, "trusted"> = {},
): void {
  const resource = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  for (const body of wanted) server.create(resource, undefined, body, { ...options, fieldManager: "sandbox" });
}

import type { ApiServer } from "./apiserver/apiServer.ts";
import { installDefinitions } from "./apiserver/gatewayApi.ts";
import { definitions } from "./definitions.ts";

/** Makes the API serve Aviary's own kinds, from the manifests that users install. */
export function installAviary(core: ApiServer): void {
  installDefinitions(core, definitions().aviary, { trusted: true });
}

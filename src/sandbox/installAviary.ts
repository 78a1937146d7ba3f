import { readdirSync, readFileSync } from "node:fs";
import type { ApiServer } from "./apiserver/apiServer.ts";
import { installDefinitions } from "./apiserver/gatewayApi.ts";
import type { JsonObject } from "./apiserver/json.ts";
import { readManifests } from "./manifests.ts";

/** Both `src/` and `dist/` lie beside `crds/`. */
const CRDS = new URL("../../crds/", import.meta.url);

let definitions: readonly JsonObject[] | undefined;

function readDefinitions(): readonly JsonObject[] {
  const files = readdirSync(CRDS).filter((name) => name.endsWith(".yaml"));
  const objects = files.flatMap((file) => readManifests(readFileSync(new URL(file, CRDS), "utf8")));
  return objects.filter(({ kind }) => kind === "CustomResourceDefinition");
}

/** Makes the API serve Aviary's own kinds, from the manifests that users install. */
export function installAviary(core: ApiServer): void {
  // Parsing them takes longer than all the rest of a start.
  definitions ??= readDefinitions();
  installDefinitions(core, structuredClone(definitions));
}

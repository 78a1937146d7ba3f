import { readdirSync, readFileSync } from "node:fs";
import type { ApiServer } from "./apiserver/apiServer.ts";
import { installDefinitions } from "./apiserver/gatewayApi.ts";
import { readManifests } from "./manifests.ts";

/** Both `src/` and `dist/` lie beside `crds/`. */
const CRDS = new URL("../../crds/", import.meta.url);

/** Makes the API serve Aviary's own kinds, from the manifests that users install. */
export function installAviary(core: ApiServer): void {
  const files = readdirSync(CRDS).filter((name) => name.endsWith(".yaml"));
  const objects = files.flatMap((file) => readManifests(readFileSync(new URL(file, CRDS), "utf8")));
  installDefinitions(
    core,
    objects.filter(({ kind }) => kind === "CustomResourceDefinition"),
  );
}

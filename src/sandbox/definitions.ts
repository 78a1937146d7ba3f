import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { JsonObject } from "./apiserver/json.ts";
import { readManifests } from "./manifests.ts";

/** Where the manifests lie, seen from here: Aviary's that users install, and ours. */
const FOLDERS = { aviary: "../../crds/", gatewayApi: "./apiserver/crds/" } as const;

export type Definitions = Readonly<Record<keyof typeof FOLDERS, readonly JsonObject[]>>;

/** Beside the shipped code, written by the build in the place of YAML: to parse that takes longer than all the rest of a start. */
const BUILT = new URL("./definitions.json", import.meta.url);

let known: Definitions | undefined;

/** The custom resource definitions that the sandbox serves, deeply frozen. */
export function definitions(): Definitions {
  known ??= deepFreeze(
    existsSync(BUILT) ? (JSON.parse(readFileSync(BUILT, "utf8")) as Definitions) : parseDefinitions(),
  );
  return known;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}

/** The same from the manifests. */
export function parseDefinitions(): Definitions {
  return { aviary: parsed(FOLDERS.aviary), gatewayApi: parsed(FOLDERS.gatewayApi) };
}

function parsed(path: string): readonly JsonObject[] {
  const folder = new URL(path, import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const objects = files.toSorted().flatMap((file) => readManifests(readFileSync(new URL(file, folder), "utf8")));
  return objects.filter(({ kind }) => kind === "CustomResourceDefinition");
}

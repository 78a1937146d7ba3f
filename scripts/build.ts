import { rmSync, writeFileSync } from "node:fs";
import { rolldown } from "rolldown";
import manifest from "../package.json" with { type: "json" };
import { parseDefinitions } from "../src/sandbox/definitions.ts";

/*
 * Makes `dist/`: JavaScript as it is shipped, in few files, since to find and link hundreds takes longer than what a
 * command then does. What a command loads when it is called stays a file of its own; dependencies stay where npm puts them.
 */
const OUT = "dist";
const dependencies = Object.keys(manifest.dependencies);

rmSync(OUT, { recursive: true, force: true });
const bundle = await rolldown({
  input: { aviary: "src/aviary.ts", main: "src/main.ts" },
  platform: "node",
  external: (id) => id.startsWith("node:") || dependencies.some((name) => id === name || id.startsWith(`${name}/`)),
});
await bundle.write({
  dir: OUT,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  // Rules are called by the names of their functions, in the status and everywhere.
  keepNames: true,
});
// CRDs in a form that reads quickly.
writeFileSync(`${OUT}/definitions.json`, JSON.stringify(parseDefinitions()));

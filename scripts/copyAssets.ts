import { cpSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { parseDefinitions } from "../src/sandbox/definitions.ts";

/* What the compiler leaves out but the compiled code reads beside itself: schemas, lists, and CRDs in a form that reads quickly. */
for (const file of globSync("src/**/*.json")) {
  const copy = `dist/${relative("src", file)}`;
  mkdirSync(dirname(copy), { recursive: true });
  cpSync(file, copy);
}
writeFileSync("dist/sandbox/definitions.json", JSON.stringify(parseDefinitions()));

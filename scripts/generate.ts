/**
 * Writes what is generated: from the schemas `crds/` and `docs/api.md`, from the flags `docs/configuration.md`, from
 * the rules `docs/rules.md` and what `aviary explain` knows of them, from the commands `docs/cli.md`.
 * With `--check` nothing is written; the exit code is 1 when a file differs.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { z } from "zod";
import { customResourceDefinitions } from "../src/api/crd.ts";
import type { CustomResourceDefinition } from "../src/api/crd.ts";
import { metricProviders } from "../src/metrics/index.ts";
import { trafficPlugIns } from "../src/routers/index.ts";
import { targetKinds } from "../src/workloads/index.ts";
import { apiReference } from "./apiReference.ts";
import { cliReference } from "./cliReference.ts";
import { configurationReference } from "./configurationReference.ts";
import { rulesList, rulesReference } from "./rulesReference.ts";

const root = join(import.meta.dirname, "..");

/** Every generated file by its path from the root. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const byName = (plugins: readonly { readonly name: string; readonly schema: z.ZodType }[]) =>
    Object.fromEntries(plugins.map(({ name, schema }) => [name, schema]));
  const definitions = customResourceDefinitions({
    ...trafficPlugIns,
    targetKinds,
    blocks: byName(metricProviders),
  });
  const files = definitions.map((crd): [string, string] => [`crds/${crd.spec.names.plural}.yaml`, crdFile(crd)]);
  return new Map([
    ...files,
    ["docs/api.md", apiReference(definitions)],
    ["docs/cli.md", cliReference()],
    ["docs/configuration.md", configurationReference()],
    ["docs/rules.md", rulesReference()],
    ["src/cli/rules.json", rulesList()],
  ]);
}

function crdFile(crd: CustomResourceDefinition): string {
  return `# Generated from src/api by \`npm run generate\`.\n${stringify(crd, { lineWidth: 120, aliasDuplicateObjects: false })}`;
}

/** Paths that differ from what would be generated; a CRD that nothing generates any more counts, too. */
async function differing(files: ReadonlyMap<string, string>): Promise<string[]> {
  const paths: string[] = [];
  for (const [path, text] of files) if ((await readText(path)) !== text) paths.push(path);
  const found = await readdir(join(root, "crds")).catch(() => []);
  const stale = found.filter((name) => name.endsWith(".yaml")).map((name) => `crds/${name}`);
  return [...paths, ...stale.filter((path) => !files.has(path))];
}

function readText(path: string): Promise<string | undefined> {
  return readFile(join(root, path), "utf8").catch(() => undefined);
}

async function write(files: ReadonlyMap<string, string>): Promise<void> {
  await Promise.all(["crds", "docs"].map((folder) => mkdir(join(root, folder), { recursive: true })));
  for (const [path, text] of files) await writeFile(join(root, path), text);
}

async function main(args: readonly string[]): Promise<void> {
  const files = generatedFiles();
  if (!args.includes("--check")) {
    await write(files);
    return;
  }
  const paths = await differing(files);
  if (paths.length === 0) return;
  console.error(`not what would be generated: ${paths.join(", ")}; run npm run generate`);
  process.exitCode = 1;
}

if (import.meta.main) await main(process.argv.slice(2));

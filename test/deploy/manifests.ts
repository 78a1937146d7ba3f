import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

const ROOT = join(import.meta.dirname, "../..");

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** A manifest, as loosely typed as the tests need. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly rules?: readonly Rule[];
  readonly spec?: unknown;
  readonly [other: string]: unknown;
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function listFolder(path: string): string[] {
  return readdirSync(join(ROOT, path)).sort();
}

/** Every manifest that a kustomization names, following bases; what kustomize does with it without transformers. */
export function manifestsOf(folder: string): Manifest[] {
  return resourcesOf(folder).flatMap((resource) => {
    const path = join(folder, resource);
    return path.endsWith(".yaml") ? documentsIn(readText(path)) : manifestsOf(path);
  });
}

export function isKustomization(name: string): boolean {
  return name === "kustomization.yaml" || name === "Kustomization";
}

export function resourcesOf(folder: string): string[] {
  const name = listFolder(folder).find(isKustomization) ?? "kustomization.yaml";
  return (parse(readText(join(folder, name))) as { resources: string[] }).resources;
}

export function documentsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

export function hasKubectl(): boolean {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export function kustomize(folder: string): Manifest[] {
  return documentsIn(
    execFileSync("kubectl", ["kustomize", join(ROOT, folder)], { encoding: "utf8", maxBuffer: 2 ** 26 }),
  );
}

import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { messageOf } from "../../lib/errors.ts";
import { CliError } from "../exitCodes.ts";
import type { Finding } from "./finding.ts";

/** An object of a file. */
export interface Manifest {
  readonly file: string;
  readonly object: ManifestObject;
}

export interface ManifestObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface Read {
  readonly manifests: readonly Manifest[];
  /** What is no YAML. */
  readonly findings: readonly Finding[];
}

/** The objects of files, and of all YAML in folders. @throws CliError for a path that cannot be read. */
export async function readManifests(paths: readonly string[]): Promise<Read> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const read = await Promise.all(files.map(objectsOf));
  return { manifests: read.flatMap(({ manifests }) => manifests), findings: read.flatMap(({ findings }) => findings) };
}

async function filesOf(given: string): Promise<readonly string[]> {
  try {
    if (!(await stat(given)).isDirectory()) return [given];
    const names = await readdir(given, { recursive: true });
    return names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => path.join(given, name));
  } catch (error) {
    throw new CliError("usage", messageOf(error));
  }
}

async function objectsOf(file: string): Promise<Read> {
  const documents = parseAllDocuments(await readFile(file, "utf8"));
  const findings = documents.flatMap(({ errors }) =>
    errors.map(({ message }): Finding => ({
      file,
      what: "YAML",
      level: "error",
      message: message.split("\n")[0] ?? "",
    })),
  );
  const objects = findings.length > 0 ? [] : documents.map((document) => document.toJS() as unknown);
  return { findings, manifests: objects.flatMap(listed).map((object) => ({ file, object })) };
}

/** The items of a List are objects as well. */
function listed(object: unknown): readonly ManifestObject[] {
  if (typeof object !== "object" || object === null || Array.isArray(object)) return [];
  const { kind, items } = object as { readonly kind?: unknown; readonly items?: unknown };
  return kind === "List" && Array.isArray(items) ? (items as unknown[]).flatMap(listed) : [object];
}

import { z } from "zod";

/** Metadata as the API server fills it in; a subset of `ObjectMeta` of the Kubernetes port, and assignable to it. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly unknown[];
}

/** Group and version of everything that Aviary defines. */
export const API_VERSION = "aviary.dev/v1beta1";

/** A field that cannot be used, as a sentence that begins with its path. */
export interface Problem {
  /** Such as `spec.analysis.checks[0].name`. */
  readonly path: string;
  readonly message: string;
}

export type Parsed<Key extends string, T> =
  ({ readonly ok: true } & { readonly [K in Key]: T }) | { readonly ok: false; readonly problems: readonly Problem[] };

/** The outer shape of an object; `metadata` is taken as it is. */
export function objectShape(kind: string) {
  return z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata: z.custom<Metadata>(isMetadata, "needs a name"),
  });
}

function isMetadata(value: unknown): value is Metadata {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

/** The findings of a schema in Kubernetes' notation of paths. */
export function problemsOf(error: z.ZodError): readonly Problem[] {
  return error.issues.map((issue) => ({ path: pathText(issue.path), message: issue.message }));
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

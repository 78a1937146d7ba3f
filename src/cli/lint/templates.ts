import { analysisTemplateSpecSchema, templateUse } from "../../api/analysisTemplate.ts";
import type { AnalysisTemplateSpec, ArgumentType } from "../../api/analysisTemplate.ts";
import { expandTemplate } from "../../api/expandTemplate.ts";
import type { Advice } from "./advice.ts";
import type { ManifestObject } from "./manifests.ts";

/** What could stand for an argument that has no default. */
const SAMPLES: Readonly<Record<ArgumentType, string>> = { String: "sample", Number: "1", Integer: "1", Duration: "1m" };

export function isTemplate({ kind }: ManifestObject): boolean {
  return kind === "AnalysisTemplate" || kind === "ClusterAnalysisTemplate";
}

/** The checks of a template as any Canary could have them, and what is wrong or unwise in how it uses its arguments. */
export function sampleOf({ spec }: ManifestObject): {
  readonly advice: readonly Advice[];
  readonly checks: readonly unknown[];
} {
  const parsed = analysisTemplateSpecSchema.safeParse(spec);
  // What the schema refuses has been said already.
  if (!parsed.success) return { advice: [], checks: [] };
  const { args = [] } = parsed.data;
  const unused = unusedArguments(parsed.data).map((name): Advice => {
    return { level: "warning", message: `spec.args: nothing uses the argument ${name}` };
  });
  const values = args.map(({ name, type, default: value }) => ({ name, value: value ?? SAMPLES[type] }));
  const expanded = expandTemplate(parsed.data, { kind: "AnalysisTemplate", name: "sample", args: values });
  if (!expanded.ok)
    return { advice: [{ level: "error", message: `spec.checks: ${expanded.message}` }, ...unused], checks: [] };
  // A text that nobody knows yet may be half of a query: its syntax shows when a Canary says it.
  const open = args.filter(({ type, default: value }) => type === "String" && value === undefined);
  const isKnown = (check: unknown) => !open.some(({ name }) => uses(check, name));
  return { advice: unused, checks: expanded.checks.filter((_, at) => isKnown(parsed.data.checks[at])) };
}

function unusedArguments({ args = [], checks }: AnalysisTemplateSpec): readonly string[] {
  return args.filter(({ name, sets }) => sets === undefined && !uses(checks, name)).map(({ name }) => name);
}

function uses(part: unknown, argument: string): boolean {
  return new RegExp(`\\{\\{\\s*args\\.${argument}\\s*\\}\\}`).test(JSON.stringify(part));
}

/** The checks that a Canary has from templates among the manifests, and what does not fit. */
export function checksOfTemplates(canary: ManifestObject, all: readonly ManifestObject[]): ReturnType<typeof sampleOf> {
  const { analysis } = (canary.spec ?? {}) as { readonly analysis?: { readonly templates?: readonly unknown[] } };
  const found = (analysis?.templates ?? []).map((use, at) => checksOf(use, at, { canary, all }));
  return { advice: found.flatMap(({ advice }) => advice), checks: found.flatMap(({ checks }) => checks) };
}

interface Among {
  readonly canary: ManifestObject;
  readonly all: readonly ManifestObject[];
}

function checksOf(use: unknown, at: number, { canary, all }: Among): ReturnType<typeof sampleOf> {
  const parsed = templateUse.safeParse(use);
  if (!parsed.success) return { advice: [], checks: [] };
  const { kind, name } = parsed.data;
  const template = all.find((object) => {
    const isNear = kind === "ClusterAnalysisTemplate" || object.metadata?.namespace === canary.metadata?.namespace;
    return object.kind === kind && object.metadata?.name === name && isNear;
  });
  const spec = analysisTemplateSpecSchema.safeParse(template?.spec);
  if (!spec.success) return { advice: [], checks: [] };
  const expanded = expandTemplate(spec.data, parsed.data);
  if (expanded.ok) return { advice: [], checks: expanded.checks };
  const message = `spec.analysis.templates[${at}]: ${kind} ${name}: ${expanded.message}`;
  return { advice: [{ level: "error", message }], checks: [] };
}

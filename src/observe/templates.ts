import { analysisTemplateSpecSchema } from "../api/analysisTemplate.ts";
import type { TemplateUse } from "../api/analysisTemplate.ts";
import { faultOfChecks } from "../api/analysis.ts";
import type { Canary } from "../api/canary.ts";
import type { StoredCheck } from "../api/checks/index.ts";
import { expandTemplate } from "../api/expandTemplate.ts";
import { problemsOf } from "../api/object.ts";
import type { Parsed } from "../api/object.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";

export type ParseCanary = (object: KubeObject) => Parsed<"canary", Canary>;

/** The kind and the name of each template that a Canary uses. */
export function templatesOf({ spec, metadata }: Canary): readonly {
  readonly kind: ResourceKind;
  /** Empty for a template of the whole cluster. */
  readonly namespace: string;
  readonly name: string;
}[] {
  return (spec.analysis.templates ?? []).map(({ kind, name }) => {
    return kind === "AnalysisTemplate"
      ? { kind: kinds.analysisTemplate, namespace: metadata.namespace ?? "default", name }
      : { kind: kinds.clusterAnalysisTemplate, namespace: "", name };
  });
}

/**
 * A Canary with the checks of its templates among its own, as if they had been written there. When a template is missing
 * or wrong, the Canary has no checks and `analysis.unresolved`, by which it goes nowhere.
 */
export function withTemplates(reads: FreshReads, object: KubeObject, parse: ParseCanary): Parsed<"canary", Canary> {
  const parsed = parse(object);
  if (!parsed.ok || parsed.canary.spec.analysis.templates === undefined) return parsed;
  const found = checksOf(reads, parsed.canary);
  if (!found.ok) return unresolved(parsed.canary, found);
  const { spec } = object as KubeObject & {
    readonly spec: { readonly analysis: { readonly checks?: readonly object[] } };
  };
  const checks = [...(spec.analysis.checks ?? []), ...found.checks];
  const problem = togetherProblem(checks as readonly StoredCheck[], parsed.canary);
  if (problem !== undefined) return unresolved(parsed.canary, { reason: "InvalidTemplate", message: problem });
  return parse({ ...object, spec: { ...spec, analysis: { ...spec.analysis, checks } } } as KubeObject);
}

interface Unresolved {
  readonly reason: "TemplateNotFound" | "InvalidTemplate";
  readonly message: string;
}

function unresolved(canary: Canary, { reason, message }: Unresolved): Parsed<"canary", Canary> {
  const analysis = { ...canary.spec.analysis, checks: [], unresolved: { reason, message } };
  return { ok: true, canary: { ...canary, spec: { ...canary.spec, analysis } } };
}

type Found = { readonly ok: true; readonly checks: readonly object[] } | ({ readonly ok: false } & Unresolved);

function checksOf(reads: FreshReads, canary: Canary): Found {
  const checks: object[] = [];
  const refs = templatesOf(canary);
  for (const [at, use] of (canary.spec.analysis.templates ?? []).entries()) {
    const ref = refs[at];
    if (ref === undefined) continue;
    const found = templateOf(reads, ref, use);
    if (!found.ok) return found;
    checks.push(...found.checks);
  }
  return { ok: true, checks };
}

function templateOf(
  reads: FreshReads,
  { kind, namespace, name }: ReturnType<typeof templatesOf>[number],
  use: TemplateUse,
): Found {
  const what = `${kind.kind} ${name}`;
  if (reads.state(kind) === "absent") {
    return { ok: false, reason: "TemplateNotFound", message: `the API server does not serve ${kind.kind}` };
  }
  const object = reads.get<KubeObject & { readonly spec?: unknown }>(
    kind,
    kind.namespaced ? { namespace, name } : { name },
  );
  if (object === undefined) return { ok: false, reason: "TemplateNotFound", message: `there is no ${what}` };
  const spec = analysisTemplateSpecSchema.safeParse(object.spec);
  if (!spec.success) {
    const sentences = problemsOf(spec.error).map(({ path, message }) => `spec.${path}: ${message}`);
    return { ok: false, reason: "InvalidTemplate", message: `${what}: ${sentences.join("; ")}` };
  }
  const expanded = expandTemplate(spec.data, use);
  return expanded.ok ? expanded : { ok: false, reason: "InvalidTemplate", message: `${what}: ${expanded.message}` };
}

const MAX_CHECKS = 20;
const MAX_NAME = 63;

/** What no template can know of: the checks of the others, and the strategy. */
function togetherProblem(checks: readonly StoredCheck[], { spec }: Canary): string | undefined {
  const names = checks.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return `there are two checks of the name ${twice}; give one of the templates a prefix`;
  const long = names.find((name) => name.length > MAX_NAME);
  if (long !== undefined)
    return `the name ${long} of a check is longer than ${MAX_NAME} characters; shorten the prefix`;
  if (names.length > MAX_CHECKS) {
    return `there are ${names.length} checks with those of the templates, and at most ${MAX_CHECKS} are asked`;
  }
  return faultOfChecks(checks, spec.strategy);
}

import { checkSchema, questionsOfCheck, resolveCheck } from "../../api/checks/index.ts";
import type { Question } from "../../api/query.ts";
import { namesOf } from "../../lib/names.ts";
import type { Names } from "../../lib/names.ts";
import { metricProviderFor } from "../../metrics/index.ts";
import { fillQuery } from "../../metrics/variables.ts";
import type { FilledQuery } from "../../metrics/variables.ts";
import { checksOfTemplates } from "./templates.ts";
import type { Advice } from "./advice.ts";
import type { ManifestObject } from "./manifests.ts";

/** The block of a provider, by the name of its kind. */
type Provider = Readonly<Record<string, unknown>>;

/** Checks and for whom they are asked. */
interface Asked {
  readonly metadata: ManifestObject["metadata"];
  /** Name of the workload. */
  readonly target: string;
  readonly interval?: string | undefined;
  readonly checks: readonly unknown[];
}

/** What the queries of a Canary's checks say of themselves, before anybody is asked. */
export function adviceOnQueries(canary: ManifestObject, all: readonly ManifestObject[]): readonly Advice[] {
  const { targetRef, analysis } = (canary.spec ?? {}) as {
    readonly targetRef?: { readonly name?: string };
    readonly analysis?: { readonly checks?: readonly unknown[]; readonly interval?: string };
  };
  if (targetRef?.name === undefined) return [];
  const own = analysis?.checks ?? [];
  const { advice, checks } = checksOfTemplates(canary, all);
  const asked = { metadata: canary.metadata, target: targetRef.name, interval: analysis?.interval };
  return [...advice, ...adviceOnChecks({ ...asked, checks: [...own, ...checks] }, all)];
}

/** The same of checks that are asked for a workload. */
export function adviceOnChecks(
  { metadata, target, interval, checks }: Asked,
  all: readonly ManifestObject[],
): readonly Advice[] {
  const names = namesOf({ metadata: { name: "", ...metadata }, spec: { targetRef: { name: target } } });
  const filled = ({ query, counter }: Question): FilledQuery =>
    counter === true
      ? fillQuery(query, { ...names, service: names.canaryService, workload: target, pods: `${target}-.*` })
      : fillQuery(query, { ...names, canary: names.canaryService, interval: interval ?? "1m" });
  return checks.flatMap(askedBy).flatMap((question): Advice[] => {
    const { field, providerRef } = question;
    const { mistake } = mistakeOf(filled(question), providerNamed(providerRef?.name, all));
    if (mistake !== undefined) return [{ level: "error", message: `${field}: ${mistake}` }];
    return tellsApart(question, names) ? [] : [{ level: "warning", message: `${field}: ${ALIKE[kindOf(question)]}` }];
  });
}

const kindOf = ({ counter }: Question) => (counter === true ? "counter" : "query");

const ALIKE = {
  query:
    "nothing in the query names the new version, so it measures both alike; use {{ canary }}, its Service, or {{ target }} in the names of pods",
  counter:
    "nothing in the counter names a version, so both are counted alike; use {{ service }}, {{ workload }} or {{ pods }}",
} as const;

function askedBy(stored: unknown): readonly Question[] {
  const parsed = checkSchema.safeParse(stored);
  const check = parsed.success ? resolveCheck(parsed.data) : undefined;
  return check === undefined ? [] : questionsOfCheck(check);
}

/** The provider among the manifests; without a name the one that everybody has is taken to be a Prometheus. */
function providerNamed(name: string | undefined, all: readonly ManifestObject[]): Provider | undefined {
  const found = all.find(
    ({ kind, metadata }) => kind?.endsWith("MetricProvider") === true && metadata?.name === (name ?? "default"),
  );
  return found?.spec ?? (name === undefined ? { prometheus: {} } : undefined);
}

function mistakeOf(filled: FilledQuery, provider: Provider | undefined): { readonly mistake: string | undefined } {
  if (!filled.ok) return { mistake: filled.message };
  for (const [name, block] of Object.entries(provider ?? {})) {
    const mistake = metricProviderFor(name)?.checkQuery(block, filled.query);
    if (mistake !== undefined) return { mistake };
  }
  return { mistake: undefined };
}

function tellsApart({ query, counter }: Question, { target, canaryService }: Names): boolean {
  const variables = counter === true ? /\{\{\s*(service|workload|pods)\s*\}\}/ : /\{\{\s*(canary|target)\s*\}\}/;
  return variables.test(query) || query.includes(canaryService) || query.includes(target);
}

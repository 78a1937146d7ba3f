import { checkSchema, questionsOfCheck, resolveCheck } from "../../api/checks/index.ts";
import { namesOf } from "../../lib/names.ts";
import { metricProviderFor } from "../../metrics/index.ts";
import { fillQuery } from "../../metrics/variables.ts";
import type { Advice } from "./advice.ts";
import type { ManifestObject } from "./manifests.ts";

interface AskedQuery {
  readonly field: string;
  readonly query: string;
  readonly provider: string | undefined;
}

/** What the queries of a Canary's checks say of themselves, before anybody is asked. */
export function adviceOnQueries(canary: ManifestObject, all: readonly ManifestObject[]): readonly Advice[] {
  const { targetRef, analysis } = (canary.spec ?? {}) as {
    readonly targetRef?: { readonly name?: string };
    readonly analysis?: { readonly checks?: readonly unknown[]; readonly interval?: string };
  };
  const target = targetRef?.name;
  if (target === undefined) return [];
  const names = namesOf({ metadata: { name: "", ...canary.metadata }, spec: { targetRef: { name: target } } });
  const variables = {
    namespace: names.namespace,
    target,
    primary: names.primary,
    canary: names.canaryService,
    interval: analysis?.interval ?? "1m",
  };
  return (analysis?.checks ?? []).flatMap(askedBy).flatMap(({ field, query, provider }): Advice[] => {
    const filled = fillQuery(query, variables);
    if (!filled.ok) return [{ level: "error", message: `${field}: ${filled.message}` }];
    const wrong = mistakeIn(filled.query, providerNamed(provider, all));
    if (wrong !== undefined) return [{ level: "error", message: `${field}: ${wrong}` }];
    if (tellsApart(query, variables)) return [];
    const message = `${field}: nothing in the query names the new version, so it measures both alike; use {{ canary }}, its Service, or {{ target }} in the names of pods`;
    return [{ level: "warning", message }];
  });
}

function askedBy(stored: unknown): readonly AskedQuery[] {
  const parsed = checkSchema.safeParse(stored);
  const check = parsed.success ? resolveCheck(parsed.data) : undefined;
  if (check === undefined) return [];
  return questionsOfCheck(check).map(({ field, query, providerRef }) => ({
    field,
    query,
    provider: providerRef?.name,
  }));
}

/** The provider among the manifests; without a name the one that everybody has is taken to be a Prometheus. */
function providerNamed(
  name: string | undefined,
  all: readonly ManifestObject[],
): Readonly<Record<string, unknown>> | undefined {
  const found = all.find(
    ({ kind, metadata }) => kind?.endsWith("MetricProvider") === true && metadata?.name === (name ?? "default"),
  );
  return found?.spec ?? (name === undefined ? { prometheus: {} } : undefined);
}

function mistakeIn(query: string, provider: Readonly<Record<string, unknown>> | undefined): string | undefined {
  for (const [name, block] of Object.entries(provider ?? {})) {
    const mistake = metricProviderFor(name)?.checkQuery(block, query);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

function tellsApart(query: string, { target, canary }: { readonly target: string; readonly canary: string }): boolean {
  return /\{\{\s*(canary|target)\s*\}\}/.test(query) || query.includes(canary) || query.includes(target);
}

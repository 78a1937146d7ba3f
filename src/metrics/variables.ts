/** What a query may ask for between double braces. All are names of objects or durations, so none needs escaping. */
export interface QueryVariables {
  readonly namespace: string;
  readonly target: string;
  readonly primary: string;
  readonly canary: string;
  /** Such as `30s`, for range selectors. */
  readonly interval: string;
}

/** What the counter of one version may ask for. */
export interface CounterVariables {
  readonly namespace: string;
  /** Its leaf Service. */
  readonly service: string;
  readonly workload: string;
  /** A regular expression for the names of its pods, escaped for a PromQL text. */
  readonly pods: string;
}

export type FilledQuery =
  { readonly ok: true; readonly query: string } | { readonly ok: false; readonly message: string };

const VARIABLE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A query with its `{{ variables }}` filled in. A name that is not known is the user's mistake. */
export function fillQuery(query: string, variables: QueryVariables | CounterVariables): FilledQuery {
  const values = new Map<string, string>(Object.entries(variables));
  for (const [, name = ""] of query.matchAll(VARIABLE)) {
    if (values.has(name)) continue;
    const known = [...values.keys()].map((key) => `{{ ${key} }}`).join(", ");
    const found = name === "" ? "an empty variable {{ }}" : `the unknown variable {{ ${name} }}`;
    return { ok: false, message: `the query has ${found}; known are ${known}` };
  }
  return { ok: true, query: query.replace(VARIABLE, (text, name: string) => values.get(name) ?? text) };
}

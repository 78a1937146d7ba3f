import type { Canary, Check } from "../api/canary.ts";
import { namesOf } from "../lib/names.ts";
import { fillQuery } from "../metrics/variables.ts";
import type { FilledQuery } from "../metrics/variables.ts";

/** The query of a check as it is asked, with the names of this canary filled in. */
export function queryOf(canary: Canary, check: Check): FilledQuery {
  const names = namesOf(canary);
  return fillQuery(check.threshold.query, {
    namespace: names.namespace,
    target: names.target,
    primary: names.primary,
    canary: names.canaryService,
    interval: canary.spec.analysis.interval,
  });
}

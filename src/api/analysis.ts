import { z } from "zod";
import { templateUse } from "./analysisTemplate.ts";
import { checkSchema, isJudged, modeOf, resolveCheck, withStanding } from "./checks/index.ts";
import type { Check, StoredCheck } from "./checks/index.ts";
import type { CelRule } from "./schema.ts";
import { duration, listMap, withRules } from "./schema.ts";
import type { Strategy } from "./strategy.ts";

/** Rules on `spec`: what a strategy can be judged by. */
export const judgedByWhat: readonly CelRule[] = [
  {
    rule: "!has(self.strategy) || !has(self.strategy.blueGreen) || (has(self.analysis) && (has(self.analysis.checks) || has(self.analysis.templates) || (has(self.analysis.unjudged) && self.analysis.unjudged)))",
    message:
      "nothing judges the canary: after the switch of a blue/green there is nobody to compare with; add a check of kind threshold or slo to spec.analysis.checks, or say spec.analysis.unjudged: true",
    reason: "FieldValueRequired",
    fieldPath: ".analysis",
  },
  {
    rule: "!has(self.strategy) || !has(self.strategy.blueGreen) || !has(self.analysis) || !has(self.analysis.checks) || self.analysis.checks.all(check, !has(check.comparison))",
    message:
      "a comparison needs requests to both versions at a time, and a blue/green moves everybody at once: use checks of kind threshold or slo",
    fieldPath: ".analysis.checks",
  },
  {
    rule:
      "!has(self.strategy) || !has(self.strategy.blueGreen) || !has(self.strategy.blueGreen.preview) || " +
      "!has(self.strategy.blueGreen.preview.checks) || !has(self.analysis) || !has(self.analysis.checks) || " +
      "self.strategy.blueGreen.preview.checks.all(name, !self.analysis.checks.exists(check, check.name == name && has(check.slo)))",
    message: "names a check of kind slo, which needs users, and in a preview there are none",
    fieldPath: ".strategy.blueGreen.preview.checks",
  },
];

/** The same of checks that were put together from templates: what is wrong with them for a strategy. */
export function faultOfChecks(checks: readonly StoredCheck[], strategy: Strategy): string | undefined {
  if (checks.every((check) => modeOf(check) === "Report")) {
    return "every check only reports, so nothing judges the canary: let one have mode Gate";
  }
  if (checks.filter((check) => check.pods !== undefined).length > 1) {
    return "there are two checks of kind pods: one looks at all of the canary's pods";
  }
  if (!("blueGreen" in strategy)) return undefined;
  const comparison = checks.find((check) => check.comparison !== undefined);
  if (comparison !== undefined) {
    return `check ${comparison.name} is a comparison, and a blue/green moves everybody at once: use checks of kind threshold or slo`;
  }
  for (const asked of strategy.blueGreen.preview?.checks ?? []) {
    const found = checks.find(({ name }) => name === asked);
    if (found === undefined) return `the preview asks for check ${asked}, and there is none of that name`;
    if (found.slo !== undefined) return `the preview asks for check ${asked} of kind slo, which needs users`;
  }
  return undefined;
}

/** Whether any check may decide. */
const gates = "self.checks.exists(check, has(check.mode) ? check.mode == 'Gate' : !has(check.saturation))";

/** `spec.analysis`. */
export const analysisSchema = withRules(
  z.object({
    interval: duration({ min: "1s", max: "1h" }).default("30s").describe("Time between two readings of a check."),
    minDuration: duration({ min: "1s", max: "168h" })
      .optional()
      .describe(
        "The canary is not promoted before it has had traffic for so long, whatever the steps say. Left out: 6m with checks of kind slo or comparison, else nothing.",
      ),
    metricsDelay: duration({ min: "0s", max: "10m" })
      .default("15s")
      .describe(
        "How far behind the clock numbers of both versions are asked for: as long as the newest ones take to arrive.",
      ),
    undecidedAfter: duration({ min: "0s", max: "24h" })
      .optional()
      .describe(
        "How long a step waits beyond its hold for a check to decide; then `onUndecided` applies. Left out: 30m with checks of kind slo or comparison, else 5m.",
      ),
    onUndecided: z
      .enum(["Pause", "Promote", "Rollback"])
      .default("Pause")
      .describe(
        "What happens to a step whose checks do not decide: Pause asks a person, Promote goes on to the next step.",
      ),
    unjudged: z
      .boolean()
      .optional()
      .describe("Says that there are to be no checks: every release whose pods get ready is promoted."),
    templates: z
      .array(templateUse)
      .min(1)
      .max(5)
      .optional()
      .describe("Templates whose checks are asked as if they stood in `checks`."),
    checks: listMap(z.array(checkSchema).min(1).max(20), "name")
      .optional()
      .describe(
        "What the canary is judged by. Left out: a comparison of its errors and latency with the primary's. Its pods are always looked at, and how full its containers are is reported where that is measured, unless a check of that kind says otherwise.",
      ),
  }),
  {
    rule: "!(has(self.checks) || has(self.templates)) || !has(self.unjudged) || !self.unjudged",
    message: "unjudged: true and checks exclude each other; remove one of them",
  },
  {
    rule: `!has(self.checks) || has(self.templates) || ${gates}`,
    message: "every check only reports, so nothing judges the canary: let one have mode Gate",
    fieldPath: ".checks",
  },
  {
    rule: "!has(self.checks) || self.checks.filter(check, has(check.pods)).size() <= 1",
    message: "there are two checks of kind pods: one looks at all of the canary's pods",
    fieldPath: ".checks",
  },
);

/** `spec.analysis` with defaults filled in. Durations are texts; `parseDuration` of `lib/time.ts` reads them. */
export interface Analysis extends Omit<z.output<typeof analysisSchema>, "checks" | "unjudged" | "undecidedAfter"> {
  readonly undecidedAfter: string;
  /** Empty when the Canary is unjudged. */
  readonly checks: readonly Check[];
  readonly unjudged: boolean;
  /** Why the checks of the templates are not among `checks`; the Canary goes nowhere meanwhile. */
  readonly unresolved?: {
    readonly reason: "TemplateNotFound" | "InvalidTemplate";
    readonly message: string;
  };
}

/** The typed analysis, or the sentence that says what is missing. */
export function resolveAnalysis(stored: z.output<typeof analysisSchema>): Analysis | string {
  const unjudged = stored.unjudged ?? false;
  const written = stored.checks?.map(resolveCheck);
  if (written !== undefined && !written.every((check) => check !== undefined))
    return "analysis.checks: exactly one kind is needed";
  const checks = unjudged ? [] : withStanding(written);
  const judged = checks.some(isJudged);
  const minDuration = stored.minDuration ?? (judged ? "6m" : undefined);
  return {
    ...stored,
    undecidedAfter: stored.undecidedAfter ?? (judged ? "30m" : "5m"),
    ...(minDuration === undefined ? {} : { minDuration }),
    checks,
    unjudged,
  };
}

import { z } from "zod";
import type { ProviderRef, Question } from "../query.ts";
import { exactlyOneOf, withRules } from "../schema.ts";
import { commonFields } from "./common.ts";
import type { CheckMode } from "./common.ts";
import { comparisonSchema } from "./comparison.ts";
import type { ComparisonCheck } from "./comparison.ts";
import { counterQuestions } from "./counters.ts";
import { podsSchema } from "./pods.ts";
import type { PodsCheck } from "./pods.ts";
import { jobSchema } from "./job.ts";
import type { JobCheck } from "./job.ts";
import { saturationSchema } from "./saturation.ts";
import type { SaturationCheck } from "./saturation.ts";
import { sloSchema } from "./slo.ts";
import type { SloCheck } from "./slo.ts";
import { thresholdQuestion, thresholdSchema } from "./threshold.ts";
import type { ThresholdCheck } from "./threshold.ts";

/** The block of each kind of check, by its key. A new kind is one file, one line here, and one member of `Check`. */
const blocks = {
  threshold: thresholdSchema,
  slo: sloSchema,
  comparison: comparisonSchema,
  pods: podsSchema,
  job: jobSchema,
  saturation: saturationSchema,
};

export type CheckKind = keyof typeof blocks;

/** Every kind of check. */
export const checkKinds = Object.keys(blocks) as readonly CheckKind[];

/** An element of `spec.analysis.checks`. */
export const checkSchema = withRules(
  z.object({
    ...commonFields,
    threshold: blocks.threshold.optional(),
    slo: blocks.slo.optional(),
    comparison: blocks.comparison.optional(),
    pods: blocks.pods.optional(),
    job: blocks.job.optional(),
    saturation: blocks.saturation.optional(),
  }),
  exactlyOneOf(checkKinds),
  {
    rule: "!has(self.pods) || !has(self.onNoData)",
    message: "pods are always there to be looked at: remove onNoData",
    fieldPath: ".onNoData",
  },
  {
    rule: "!has(self.saturation) || !has(self.onNoData) || self.onNoData != 'Fail'",
    message: "containers without metrics or limits are no failure: choose Undecided or Ignore",
    fieldPath: ".onNoData",
  },
);

export type StoredCheck = z.output<typeof checkSchema>;

/** Checks that the sequential judge decides, by what both versions did in the same stretches of time. */
export type JudgedCheck = SloCheck | ComparisonCheck;

/** Exactly one kind each; told apart by the key of the block, as in the YAML. */
export type Check = ThresholdCheck | JudgedCheck | PodsCheck | JobCheck | SaturationCheck;

export function isJudged(check: Check): check is JudgedCheck {
  return "slo" in check || "comparison" in check;
}

/** Whether a check decides. How full containers are is no verdict by itself: it has to be asked for. */
export function modeOf({ mode, saturation }: Pick<StoredCheck, "mode" | "saturation">): CheckMode {
  return mode ?? (saturation === undefined ? "Gate" : "Report");
}

/** The check with its one block and its defaults; undefined when it has none. */
export function resolveCheck({ name, mode, onNoData, ...kinds }: StoredCheck): Check | undefined {
  const basics = { name, onNoData: onNoData ?? ("Undecided" as const), mode: modeOf({ mode, ...kinds }) };
  if (kinds.threshold !== undefined) return { ...basics, threshold: kinds.threshold };
  if (kinds.slo !== undefined) return { ...basics, slo: kinds.slo };
  if (kinds.comparison !== undefined) return { ...basics, comparison: kinds.comparison };
  if (kinds.pods !== undefined) return { ...basics, pods: kinds.pods };
  if (kinds.job !== undefined) return { ...basics, job: kinds.job };
  if (kinds.saturation !== undefined) return { ...basics, saturation: kinds.saturation };
  return undefined;
}

/** What a check asks of the metrics in the words of its author; the queries of a data plane are not among it. */
export function questionsOfCheck(check: Check): readonly Question[] {
  if ("pods" in check || "job" in check || "saturation" in check) return [];
  if ("threshold" in check) return [thresholdQuestion(check)];
  const { name } = check;
  return "slo" in check
    ? counterQuestions({ name, kind: "slo" }, check.slo)
    : counterQuestions({ name, kind: "comparison" }, check.comparison);
}

/** What Canaries without checks are judged by, beside `withStanding`. */
const unlessSaid: readonly Check[] = [
  { name: "regressions", mode: "Gate", onNoData: "Undecided", comparison: comparisonSchema.parse({}) },
];

/**
 * The checks of a Canary: those that are written, and what is looked at anyway, unless one of that kind is written. How
 * full containers are is asked of the back-end that counts the versions.
 */
export function withStanding(written: readonly Check[] = unlessSaid): readonly Check[] {
  const has = (kind: CheckKind) => written.some((check) => kind in check);
  const free = (name: string): string =>
    written.some((check) => check.name === name) ? free(`default-${name}`) : name;
  const basics = (name: string, mode: CheckMode) =>
    ({ name: free(name), mode, onNoData: "Undecided", byDefault: true }) as const;
  const judged = written.find(isJudged);
  const providerRef = judged === undefined ? undefined : providerOf(judged);
  return [
    ...written,
    ...(has("pods") ? [] : [{ ...basics("pods", "Gate"), pods: podsSchema.parse({}) }]),
    ...(has("saturation")
      ? []
      : [
          {
            ...basics("saturation", "Report"),
            saturation: saturationSchema.parse(providerRef === undefined ? {} : { providerRef }),
          },
        ]),
  ];
}

/** Who counts the versions for a check. */
export function providerOf(check: JudgedCheck): ProviderRef | undefined {
  return "slo" in check ? check.slo.providerRef : check.comparison.providerRef;
}

/** A check that nobody wrote is not spoken of before it has something to say: its metrics may be nowhere. */
export function isSilent(check: Check, readings: number): boolean {
  return check.byDefault === true && "saturation" in check && readings === 0;
}

import { z } from "zod";
import type { Question } from "../query.ts";
import { exactlyOneOf, withRules } from "../schema.ts";
import { commonFields } from "./common.ts";
import { thresholdQuestion, thresholdSchema } from "./threshold.ts";
import type { ThresholdCheck } from "./threshold.ts";

/** The block of each kind of check, by its key. A new kind is one file, one line here, and one member of `Check`. */
const blocks = {
  threshold: thresholdSchema,
};

export type CheckKind = keyof typeof blocks;

/** Every kind of check. */
export const checkKinds = Object.keys(blocks) as readonly CheckKind[];

/** An element of `spec.analysis.checks`. */
export const checkSchema = withRules(
  z.object({ ...commonFields, threshold: blocks.threshold.optional() }),
  exactlyOneOf(checkKinds),
);

export type StoredCheck = z.output<typeof checkSchema>;

/** Exactly one kind each; told apart by the key of the block, as in the YAML. */
export type Check = ThresholdCheck;

/** The check with its one block and its defaults; undefined when it has none. */
export function resolveCheck({ name, mode, onNoData, threshold }: StoredCheck): Check | undefined {
  const basics = { name, onNoData, mode: mode ?? ("Gate" as const) };
  return threshold === undefined ? undefined : { ...basics, threshold };
}

/** What a check asks of the metrics. */
export function questionsOfCheck(check: Check): readonly Question[] {
  return [thresholdQuestion(check)];
}

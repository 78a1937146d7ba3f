import { z } from "zod";
import type { CelRule } from "./schema.ts";
import { duration, exactlyOneOf, labelName, listSet, withRules } from "./schema.ts";

/** How long a step with a weight is held when it does not say. */
const DEFAULT_HOLD = "60s";
const DEFAULT_WEIGHTS = [5, 10, 20, 30, 40, 50] as const;

const step = withRules(
  z.object({
    weight: z.int().min(0).max(100).optional().describe("Percent of requests that go to the canary."),
    hold: duration({ min: "1s", max: "168h" })
      .optional()
      .describe("How long the weight is held, from when it is in effect. Default: 60s."),
    pause: z.object({}).optional().describe("Waits until somebody approves, with a CanaryAction `Approve`."),
  }),
  exactlyOneOf(["weight", "pause"]),
  {
    rule: "!has(self.hold) || has(self.weight)",
    message: "belongs to weight; a pause lasts until it is approved",
    fieldPath: ".hold",
  },
);

const canaryStrategy = z.object({
  steps: z
    .array(step)
    .min(1)
    .max(50)
    .default(DEFAULT_WEIGHTS.map((weight) => ({ weight, hold: DEFAULT_HOLD })))
    .describe("The steps in order. After the last one the canary takes everything, and the primary is changed."),
});

const blueGreen = z.object({
  preview: z
    .object({
      hold: duration({ min: "1s", max: "168h" }).describe(
        "How long the new version runs at full size without users before the switch, at least.",
      ),
      checks: listSet(z.array(labelName()).min(1).max(20))
        .optional()
        .describe(
          "Names of checks of `analysis.checks` that are asked, and have to pass, before the switch: for those that " +
            "say something about a version without users. Left out: none.",
        ),
    })
    .optional()
    .describe("A time before the switch in which the Service `<name>-canary` alone leads to the new version."),
  pause: z
    .object({})
    .optional()
    .describe("Waits before the switch, after the preview, until somebody approves with a CanaryAction `Approve`."),
  hold: duration({ min: "1s", max: "168h" })
    .default(DEFAULT_HOLD)
    .describe("How long the new version serves everyone and is judged by all checks, before the primary is changed."),
});

/** The blocks of `spec.strategy`. */
const BLOCKS = ["canary", "blueGreen"] as const;

export const strategySchema = withRules(
  z.object({
    canary: canaryStrategy.optional().describe("Moves the traffic to the new version in steps."),
    blueGreen: blueGreen
      .optional()
      .describe("Brings the new version to full size, and then moves everybody to it at once."),
  }),
  exactlyOneOf(BLOCKS),
).describe("How a new version gets traffic: exactly one block. Left out: `canary` with its default steps.");

/** A rule on `spec`: which checks there are is said elsewhere. */
export const previewedByWhat: CelRule = {
  rule:
    "!has(self.strategy) || !has(self.strategy.blueGreen) || !has(self.strategy.blueGreen.preview) || " +
    "!has(self.strategy.blueGreen.preview.checks) || (has(self.analysis) && has(self.analysis.checks) && " +
    "self.strategy.blueGreen.preview.checks.all(name, self.analysis.checks.exists(check, check.name == name)))",
  message: "names a check that is not in spec.analysis.checks",
  reason: "FieldValueInvalid",
  fieldPath: ".strategy.blueGreen.preview.checks",
};

/** A step that gives the canary a share of the traffic. */
export interface WeightStep {
  /** Percent, 0 to 100. */
  readonly weight: number;
  /** Duration as text, filled in. */
  readonly hold: string;
  /** Before the switch of a blue/green: all pods run without users, and the checks of these names have to pass. */
  readonly preview?: { readonly checks: readonly string[] };
}

/** A step that waits for an approval. */
export interface PauseStep {
  readonly pause: Readonly<Record<string, never>>;
}

export type Step = WeightStep | PauseStep;

/** `spec.strategy`: its one block, defaults filled in. */
export type Strategy = { readonly canary: { readonly steps: readonly Step[] } } | { readonly blueGreen: BlueGreen };

/** Everybody moves at once, to a version that runs at full size. Durations as text. */
export interface BlueGreen {
  readonly preview?: { readonly hold: string; readonly checks?: readonly string[] | undefined } | undefined;
  readonly pause?: Readonly<Record<string, never>> | undefined;
  readonly hold: string;
}

/** The typed block, or the sentence that says which choice is not made. */
export function resolveStrategy(stored: z.output<typeof strategySchema> | undefined): Strategy | string {
  // Not a default of the CRD: one that is stored would stand beside the block that somebody chooses later.
  const { canary, blueGreen: blueGreenBlock } = stored ?? { canary: canaryStrategy.parse({}) };
  if ((canary === undefined) === (blueGreenBlock === undefined)) {
    return `strategy: choose exactly one of ${BLOCKS.join(", ")}`;
  }
  if (blueGreenBlock !== undefined) return { blueGreen: blueGreenBlock };
  if (canary === undefined) return "strategy: needs the block canary";
  const steps = canary.steps.map(resolveStep);
  if (!steps.every((step) => step !== undefined)) return "strategy.canary.steps: choose exactly one of weight, pause";
  return { canary: { steps } };
}

function resolveStep({ weight, hold, pause }: z.output<typeof step>): Step | undefined {
  if (pause !== undefined) return weight === undefined ? { pause: {} } : undefined;
  return weight === undefined ? undefined : { weight, hold: hold ?? DEFAULT_HOLD };
}

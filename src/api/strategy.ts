import { z } from "zod";
import { duration, exactlyOneOf, withRules } from "./schema.ts";

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

export const strategySchema = withRules(
  z.object({ canary: canaryStrategy.optional().describe("Moves the traffic to the new version in steps.") }),
  exactlyOneOf(["canary"]),
).describe("How a new version gets traffic: exactly one block.");

/** A step that gives the canary a share of the traffic. */
export interface WeightStep {
  /** Percent, 0 to 100. */
  readonly weight: number;
  /** Duration as text, filled in. */
  readonly hold: string;
}

/** A step that waits for an approval. */
export interface PauseStep {
  readonly pause: Readonly<Record<string, never>>;
}

export type Step = WeightStep | PauseStep;

/** `spec.strategy`: its one block, defaults filled in. */
export interface Strategy {
  readonly canary: { readonly steps: readonly Step[] };
}

/** The typed block, or the sentence that says which choice is not made. */
export function resolveStrategy({ canary }: z.output<typeof strategySchema>): Strategy | string {
  if (canary === undefined) return "strategy: choose exactly one of canary";
  const steps = canary.steps.map(resolveStep);
  if (!steps.every((step) => step !== undefined)) return "strategy.canary.steps: choose exactly one of weight, pause";
  return { canary: { steps } };
}

function resolveStep({ weight, hold, pause }: z.output<typeof step>): Step | undefined {
  if (pause !== undefined) return weight === undefined ? { pause: {} } : undefined;
  return weight === undefined ? undefined : { weight, hold: hold ?? DEFAULT_HOLD };
}

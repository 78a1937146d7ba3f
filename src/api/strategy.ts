import { z } from "zod";
import { requestMatch, resolveMatch } from "./requestMatch.ts";
import type { RequestMatch } from "./requestMatch.ts";
import type { CelRule } from "./schema.ts";
import { duration, exactlyOneOf, labelName, listSet, withRules } from "./schema.ts";

/** How long a step with a weight is held when it does not say. */
const DEFAULT_HOLD = "60s";
const DEFAULT_WEIGHTS = [5, 10, 20, 30, 40, 50] as const;

const mirror = z
  .object({
    percent: z.int().min(1).max(100).default(100).describe("Copies of so many percent of the requests."),
    allMethods: z
      .boolean()
      .default(false)
      .describe(
        "Copies requests of every method, so that what they do is done twice. Left out: a rule that takes more than GET, HEAD and OPTIONS is refused.",
      ),
  })
  .describe("Sends the canary copies of requests beside its weight; nobody gets its answers.");

const step = withRules(
  z.object({
    weight: z.int().min(0).max(100).optional().describe("Percent of requests that go to the canary."),
    hold: duration({ min: "1s", max: "168h" })
      .optional()
      .describe("How long the weight is held, from when it is in effect. Default: 60s."),
    mirror: mirror.optional(),
    pause: z.object({}).optional().describe("Waits until somebody approves, with a CanaryAction `Approve`."),
  }),
  exactlyOneOf(["weight", "pause"]),
  {
    rule: "!has(self.hold) || has(self.weight)",
    message: "belongs to weight; a pause lasts until it is approved",
    fieldPath: ".hold",
  },
  {
    rule: "!has(self.mirror) || has(self.weight)",
    message: "belongs to weight, which may be 0",
    fieldPath: ".mirror",
  },
);

const sessionAffinity = z
  .object({
    cookieName: withRules(z.string().min(1).max(64), {
      rule: "self.matches('^[A-Za-z0-9_-]+$')",
      message: "must be letters, digits, '-' and '_'",
    })
      .default("aviary")
      .describe("Name of the cookie that Aviary gives to users."),
    maxAge: duration({ min: "1m", max: "720h" }).default("24h").describe("How long a browser keeps it."),
  })
  .describe(
    "Keeps users where they were drawn to: those of the canary for the whole rollout, those of the primary until the weight rises.",
  );

const returnStep = z.object({
  weight: z.int().min(1).max(99).describe("Percent of requests that stay on the canary meanwhile."),
  hold: duration({ min: "1s", max: "168h" })
    .default(DEFAULT_HOLD)
    .describe("How long the weight is held, from when it is in effect."),
});

const canaryStrategy = withRules(
  z.object({
    sessionAffinity: sessionAffinity.optional(),
    steps: z
      .array(step)
      .min(1)
      .max(50)
      .default(DEFAULT_WEIGHTS.map((weight) => ({ weight, hold: DEFAULT_HOLD })))
      .describe("The steps in order. After the last one the canary takes everything, and the primary is changed."),
    returnSteps: withRules(z.array(returnStep).min(1).max(50), {
      rule: "self.map(step, -step.weight).isSorted()",
      message: "weights must go down, since the traffic returns to the primary: such as 75, 50, 25",
    })
      .optional()
      .describe(
        "How the traffic returns to the primary once it runs the new version, for a primary that must not get everything at once. After the last one the canary has nothing. Left out: in one go.",
      ),
  }),
  {
    rule: "!has(self.returnSteps) || !has(self.sessionAffinity)",
    message: "has no use beside sessionAffinity: users whose cookie holds them on the canary do not return in steps",
    fieldPath: ".returnSteps",
  },
);

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

const abTest = z.object({
  match: z
    .array(requestMatch)
    .min(1)
    .max(8)
    .describe("Requests that go to the new version; one that fits any of these. All others stay with the old one."),
  hold: duration({ min: "1s", max: "168h" }).describe("How long the test lasts, from when it is in effect."),
});

/** The blocks of `spec.strategy`. */
const BLOCKS = ["canary", "abTest", "blueGreen"] as const;

export const strategySchema = withRules(
  z.object({
    canary: canaryStrategy.optional().describe("Moves the traffic to the new version in steps."),
    abTest: abTest
      .optional()
      .describe("Shows the new version to requests that match, for some time; then everything moves to it."),
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
    "!has(self.strategy.blueGreen.preview.checks) || (has(self.analysis) && has(self.analysis.templates)) || " +
    "(has(self.analysis) && has(self.analysis.checks) && " +
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
  readonly mirror?: Mirror;
  /** Requests that match the A/B test go to the canary. */
  readonly matched?: true;
}

export interface Mirror {
  /** 1 to 100. */
  readonly percent: number;
  readonly allMethods: boolean;
}

/** A step that waits for an approval. */
export interface PauseStep {
  readonly pause: Readonly<Record<string, never>>;
}

export type Step = WeightStep | PauseStep;

/** `spec.strategy`: its one block, defaults filled in. */
export type Strategy =
  { readonly canary: CanaryStrategy } | { readonly abTest: AbTest } | { readonly blueGreen: BlueGreen };

/** Everybody moves at once, to a version that runs at full size. Durations as text. */
export interface BlueGreen {
  readonly preview?: { readonly hold: string; readonly checks?: readonly string[] | undefined } | undefined;
  readonly pause?: Readonly<Record<string, never>> | undefined;
  readonly hold: string;
}

export interface CanaryStrategy {
  readonly steps: readonly Step[];
  readonly returnSteps: readonly WeightStep[];
  /** Both filled in; `maxAge` is a duration as text. */
  readonly sessionAffinity?: { readonly cookieName: string; readonly maxAge: string };
}

export interface AbTest {
  readonly match: readonly RequestMatch[];
  /** Duration as text. */
  readonly hold: string;
}

/** The typed block, or the sentence that says which choice is not made. */
export function resolveStrategy(stored: z.output<typeof strategySchema> | undefined): Strategy | string {
  // Not a default of the CRD: one that is stored would stand beside the block that somebody chooses later.
  const { canary, abTest: test, blueGreen: switched } = stored ?? { canary: canaryStrategy.parse({}) };
  if ([canary, test, switched].filter((block) => block !== undefined).length !== 1) {
    return `strategy: choose exactly one of ${BLOCKS.join(", ")}`;
  }
  if (test !== undefined) return { abTest: { ...test, match: test.match.map(resolveMatch) } };
  if (switched !== undefined) return { blueGreen: switched };
  if (canary === undefined) return "strategy: needs the block canary";
  const steps = canary.steps.map(resolveStep);
  if (!steps.every((step) => step !== undefined)) return "strategy.canary.steps: choose exactly one of weight, pause";
  const { sessionAffinity: sticky, returnSteps = [] } = canary;
  return { canary: { steps, returnSteps, ...(sticky === undefined ? {} : { sessionAffinity: sticky }) } };
}

function resolveStep({ weight, hold, mirror, pause }: z.output<typeof step>): Step | undefined {
  if (pause !== undefined) return weight === undefined ? { pause: {} } : undefined;
  if (weight === undefined) return undefined;
  return { weight, hold: hold ?? DEFAULT_HOLD, ...(mirror === undefined ? {} : { mirror }) };
}

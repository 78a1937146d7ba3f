import { z } from "zod";
import { API_VERSION, objectShape, problemsOf } from "./object.ts";
import type { Metadata, Parsed } from "./object.ts";
import { objectName, withRules } from "./schema.ts";

/** What can be asked of a rollout. */
export const actions = [
  "Approve",
  "Pause",
  "Resume",
  "Promote",
  "PromoteFull",
  "Skip",
  "Abort",
  "Retry",
  "Rollback",
] as const;

export const canaryActionSpecSchema = withRules(
  z.object({
    canaryRef: z
      .object({ name: objectName().describe("Name of the Canary, in the same namespace.") })
      .describe("The Canary that is meant."),
    action: z
      .enum(actions)
      .describe(
        "Approve opens a pause step. Pause and Resume stop the rollout and let it go on. Promote finishes the current step now. PromoteFull promotes without further analysis. Skip ships the revision without analysis, also one that was rolled back or has not begun, and is recorded as Skipped. Abort rolls back now, also from a promotion. Retry runs a failed revision again. Rollback takes the promoted revision back after all, while the pods of the version before are kept (`spec.keepPreviousFor`).",
      ),
    revision: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe(
        "The revision that is meant, as in `status.target.revision`; refused when it is another one by then. Left out: the current one.",
      ),
    step: z
      .int()
      .min(1)
      .max(50)
      .optional()
      .describe(
        "Only for Approve: the pause step that is approved, counted from 1 as in `status.step`. Left out: the current one.",
      ),
    reason: z.string().max(1024).optional().describe("Why, for people: shown in the status and in events."),
    requestedBy: z.string().max(256).optional().describe("Who asks, for people: shown in the status and in events."),
  }),
  {
    rule: "self == oldSelf",
    message: "an action cannot be changed; create another one",
    reason: "FieldValueForbidden",
  },
  {
    rule: "!has(self.step) || self.action == 'Approve'",
    message: "belongs to the action Approve only; leave it out",
    fieldPath: ".step",
  },
).describe("What is asked. It cannot be changed.");

export const canaryActionStatusSchema = z
  .object({
    phase: z
      .enum(["Applied", "Refused"])
      .optional()
      .describe("What became of it; absent until the controller has seen it."),
    message: z.string().max(1024).optional().describe("What was done, or why it was refused."),
    time: z.string().max(40).meta({ format: "date-time" }).optional().describe("When that was."),
  })
  .describe("What became of it.");

export type ActionName = (typeof actions)[number];
export type CanaryActionSpec = z.output<typeof canaryActionSpecSchema>;
export type CanaryActionStatus = z.output<typeof canaryActionStatusSchema>;

export interface CanaryAction {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "CanaryAction";
  readonly metadata: Metadata;
  readonly spec: CanaryActionSpec;
  readonly status?: CanaryActionStatus;
}

const schema = objectShape("CanaryAction").extend({
  spec: canaryActionSpecSchema,
  status: canaryActionStatusSchema.optional(),
});

/** Reads a stored CanaryAction. */
export function parseCanaryAction(object: unknown): Parsed<"action", CanaryAction> {
  const parsed = schema.safeParse(object);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
  const { metadata, spec, status } = parsed.data;
  const action = { apiVersion: API_VERSION, kind: "CanaryAction", metadata, spec } as const;
  return { ok: true, action: status === undefined ? action : { ...action, status } };
}

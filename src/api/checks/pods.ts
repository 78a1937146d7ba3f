import { z } from "zod";
import { duration } from "../schema.ts";
import type { CheckBasics } from "./common.ts";

/** The block `pods` of a check. */
export const podsSchema = z
  .object({
    maxRestarts: z
      .int()
      .min(0)
      .max(100)
      .default(1)
      .describe("Containers of the canary that may have restarted since it first had users, all of its pods together."),
    unreadyFor: duration({ min: "0s", max: "1h" })
      .default("1m")
      .describe(
        "How long a pod that was ready may be unready. Pods that have yet to start have `progressDeadlineSeconds`.",
      ),
  })
  .describe(
    "Looks at the canary's pods, and needs no metrics: a crash loop, a container killed for want of memory, too many restarts or a pod that stays unready fail it.",
  );

export type PodsBlock = z.output<typeof podsSchema>;

/** A check of the canary's pods. */
export interface PodsCheck extends CheckBasics {
  readonly pods: PodsBlock;
}

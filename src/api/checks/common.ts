import { z } from "zod";
import { labelName } from "../schema.ts";

/** What every check has beside the block of its kind. */
export const commonFields = {
  name: labelName().describe("Name of the check, unique in the Canary; status, events and metrics use it."),
  mode: z
    .enum(["Gate", "Report"])
    .optional()
    .describe(
      "Gate: the check must pass, and its failure rolls back. Report: its verdict is shown, and nothing follows. Left out: Gate, and Report for saturation.",
    ),
  onNoData: z
    .enum(["Undecided", "Ignore", "Fail"])
    .optional()
    .describe(
      "What silence means. Left out: Undecided. Undecided waits for data, Ignore leaves the check out as long as another one passes that is not of kind pods, Fail counts as a failed reading.",
    ),
};

export type CheckMode = "Gate" | "Report";
export type OnNoData = "Undecided" | "Ignore" | "Fail";

/** The same of a check with defaults filled in. */
export interface CheckBasics {
  readonly name: string;
  readonly mode: CheckMode;
  readonly onNoData: OnNoData;
  /** Nobody wrote it. */
  readonly byDefault?: true;
}

import { FUNCTION_CASES } from "./function-cases.ts";
import { OPERATOR_CASES, type Case } from "./operator-cases.ts";

export type { Case };

/** All tables, by what they are about. */
export const CASES: Readonly<Record<string, readonly Case[]>> = { ...OPERATOR_CASES, ...FUNCTION_CASES };

import type { Run } from "../world.ts";
import { aviary } from "./aviary.ts";
import { flagger } from "./flagger.ts";
import { kayentaEnd, kayentaPeek } from "./kayenta.ts";
import type { Outcome } from "./outcome.ts";
import { zTest } from "./zTest.ts";

export const judges = {
  aviary,
  flagger,
  "kayenta-peek": kayentaPeek,
  "kayenta-end": kayentaEnd,
  "z-test": zTest,
} as const satisfies Readonly<Record<string, (run: Run) => Outcome>>;

export type JudgeName = keyof typeof judges;

export const judgeNames = Object.keys(judges) as readonly JudgeName[];

export function isJudgeName(name: string): name is JudgeName {
  return name in judges;
}

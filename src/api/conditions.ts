import type { Condition, Phase } from "./status.ts";

/** The closed list of condition types of a Canary, in the order in which they are shown. */
export const conditionTypes = ["Ready", "Reconciling", "Stalled", "Promoted"] as const;
export type ConditionType = (typeof conditionTypes)[number];

/** A cause with a CamelCase reason for machines and a sentence for people. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
}

export interface ConditionsInput {
  readonly phase: Phase;
  /** A user's mistake that stops the canary, in whatever phase. */
  readonly stalled?: Cause | undefined;
  /** Who or what is waited for while paused, such as AwaitingApproval. */
  readonly awaiting?: Cause | undefined;
  /** The sentence of `why`. */
  readonly message: string;
  /** `metadata.generation` of the Canary. */
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly previous?: readonly Condition[] | undefined;
}

/** What a phase says to kstatus; a type that is left out is absent. */
interface Row {
  readonly Ready: boolean;
  readonly Reconciling?: true;
  readonly Promoted?: boolean;
}

const table: Readonly<Record<Phase, Row>> = {
  Initializing: { Ready: false, Reconciling: true },
  Idle: { Ready: true, Promoted: true },
  Succeeded: { Ready: true, Promoted: true },
  Progressing: { Ready: false, Reconciling: true, Promoted: false },
  Promoting: { Ready: false, Reconciling: true, Promoted: false },
  RollingBack: { Ready: false, Reconciling: true, Promoted: false },
  Paused: { Ready: false, Reconciling: true, Promoted: false },
  Failed: { Ready: false, Promoted: false },
  Terminating: { Ready: false, Reconciling: true },
};

/**
 * The conditions of a Canary: kstatus' reading of its phase. A stalled canary is neither ready nor reconciling, since
 * kstatus, Flux and Argo CD take Reconciling for "wait" and would never report the mistake.
 * `lastTransitionTime` moves only with `status`.
 */
export function conditionsFor(input: ConditionsInput): Condition[] {
  const row = table[input.phase];
  const stalled = input.stalled ?? rolledBack(input);
  const cause = stalled ?? { reason: input.phase, message: input.message };
  const wanted: Readonly<Record<ConditionType, Wanted | undefined>> = {
    Ready: { status: row.Ready && stalled === undefined, ...cause },
    Reconciling:
      row.Reconciling === undefined || stalled !== undefined
        ? undefined
        : { status: true, ...(input.awaiting ?? cause) },
    Stalled: stalled === undefined ? undefined : { status: true, ...stalled },
    Promoted:
      row.Promoted === undefined ? undefined : { status: row.Promoted, reason: input.phase, message: input.message },
  };
  return conditionTypes.flatMap((type) => {
    const condition = wanted[type];
    return condition === undefined ? [] : [conditionOf(type, condition, input)];
  });
}

interface Wanted extends Cause {
  readonly status: boolean;
}

function rolledBack({ phase, message }: ConditionsInput): Cause | undefined {
  return phase === "Failed" ? { reason: "RolledBack", message } : undefined;
}

function conditionOf(type: ConditionType, wanted: Wanted, input: ConditionsInput): Condition {
  const status = wanted.status ? "True" : "False";
  const before = input.previous?.find((condition) => condition.type === type);
  const lastTransitionTime =
    before?.status === status ? before.lastTransitionTime : new Date(input.now).toISOString().replace(/\.\d+Z$/, "Z");
  const { reason, message } = wanted;
  return { type, status, reason, message, lastTransitionTime, observedGeneration: input.generation };
}

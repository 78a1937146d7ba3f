import type { CanaryStatus, Phase } from "../../src/api/status.ts";
import { HISTORY_LIMIT } from "../../src/api/status.ts";

/** Ready and Reconciling of a phase in which nothing is Stalled (docs/lifecycle.md, Phases). */
const table: Readonly<Record<Phase, readonly [ready: string, reconciling: string | undefined]>> = {
  Initializing: ["False", "True"],
  Idle: ["True", undefined],
  Succeeded: ["True", undefined],
  Progressing: ["False", "True"],
  Promoting: ["False", "True"],
  RollingBack: ["False", "True"],
  Paused: ["False", "True"],
  Failed: ["False", undefined],
  Terminating: ["False", "True"],
};

/** What a status says against its contract; empty when it keeps it. */
export function contractBreaches(status: CanaryStatus): string[] {
  const { phase, why, conditions = [], history = [], observedGeneration } = status;
  if (phase === undefined) return [];
  const stateOf = (type: string) => conditions.find((condition) => condition.type === type)?.status;
  const stalled = stateOf("Stalled") === "True";
  const [ready, reconciling] = table[phase];
  const wantedReady = stalled ? "False" : ready;
  const wantedReconciling = stalled ? undefined : reconciling;
  const breaches: string[] = [];
  const expect = (holds: boolean, sentence: string): void => {
    if (!holds) breaches.push(`${phase}: ${sentence}`);
  };
  expect(stateOf("Ready") === wantedReady, `Ready is ${stateOf("Ready")}`);
  expect(stateOf("Reconciling") === wantedReconciling, `Reconciling is ${stateOf("Reconciling")}`);
  expect(phase !== "Failed" || stalled, "Failed is not Stalled");
  expect((why?.message ?? "") !== "" && (why?.rule ?? "") !== "", "why is empty");
  expect(
    conditions.every(({ reason }) => /^[A-Z][A-Za-z]*$/.test(reason)),
    "a reason is not CamelCase",
  );
  expect(observedGeneration !== undefined, "observedGeneration is missing");
  expect(history.length <= HISTORY_LIMIT, "the history is too long");
  return [...breaches, ...resultBreaches(status)];
}

/** A result is there when its revision is decided, and only then. */
function resultBreaches({ phase, rollout, rollback, promoted, failed, targets, target }: CanaryStatus): string[] {
  const entry = targets?.[0];
  if (entry === undefined) return [];
  const decided =
    rollout !== undefined || rollback !== undefined
      ? undefined
      : outcomeOf(entry.revision, promoted?.revision, failed?.revision);
  const breaches: string[] = [];
  if (entry.result !== decided)
    breaches.push(`${phase ?? ""}: result is ${entry.result ?? "absent"}, not ${decided ?? "absent"}`);
  if (target !== undefined && entry.revision !== target.revision) breaches.push("targets[0] is not the target");
  return breaches;
}

function outcomeOf(revision: string, promoted: string | undefined, failed: string | undefined): string | undefined {
  if (revision === promoted) return "Succeeded";
  return revision === failed ? "Failed" : undefined;
}

import type { Canary } from "../../api/canary.ts";
import type { Question } from "../../api/query.ts";
import type { Reading } from "../../metrics/provider.ts";

export interface ThresholdsOptions {
  /** What a check reads, by its name. */
  readonly values: Readonly<Record<string, number>>;
  readonly weight: () => number;
  readonly onNote: (note: string) => void;
}

/** Answers queries of the user's, which only a real back-end could: by what was said, else so that the check passes. */
export function createThresholds({ values, weight, onNote }: ThresholdsOptions) {
  const asked = new Set<string>();
  const ask = (canary: Canary, { what }: Question): Reading => {
    const check = canary.spec.analysis.checks.find(({ name }) => what === `check ${name}`);
    if (check === undefined || !("threshold" in check)) return { kind: "value", value: weight() };
    const { name, threshold } = check;
    const said = values[name];
    const first = !asked.has(name);
    asked.add(name);
    if (said !== undefined) return { kind: "value", value: said };
    if (first) {
      onNote(
        `the check ${name} has a query of its own, whose answer is not known here: it is taken to pass; --value ${name}=NUMBER says another`,
      );
    }
    return { kind: "value", value: threshold.min ?? threshold.max ?? 0 };
  };
  return { ask, asked };
}

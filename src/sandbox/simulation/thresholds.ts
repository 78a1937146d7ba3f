import type { Canary } from "../../api/canary.ts";
import type { Question } from "../../api/query.ts";
import type { WorldModel } from "../../cli/world/world.ts";
import { valueAt } from "../../lib/curve.ts";
import type { Reading } from "../../metrics/provider.ts";

export interface ThresholdsOptions {
  /** What a check reads, by its name. */
  readonly values: WorldModel["values"];
  /** Minutes since the release. */
  readonly minute: () => number;
  readonly weight: () => number;
  readonly onNote: (note: string) => void;
}

/** Answers queries of the user's, which only a real back-end could: by what was said, else so that the check passes. */
export function createThresholds({ values, minute, weight, onNote }: ThresholdsOptions) {
  const asked = new Set<string>();
  const noted = new Set<string>();
  const ask = (canary: Canary, { what }: Question): Reading => {
    const { checks } = canary.spec.analysis;
    for (const check of checks) if ("threshold" in check) asked.add(check.name);
    const check = checks.find(({ name }) => what === `check ${name}`);
    if (check === undefined || !("threshold" in check)) return { kind: "value", value: weight() };
    const { name, threshold } = check;
    const said = values[name];
    if (said === null) return { kind: "empty" };
    if (said !== undefined) return { kind: "value", value: valueAt(said, minute()) };
    if (!noted.has(name)) {
      noted.add(name);
      onNote(
        `the check ${name} has a query of its own, whose answer is not known here: it is taken to pass; --value ${name}=NUMBER, or values in a world file, say another`,
      );
    }
    return { kind: "value", value: threshold.min ?? threshold.max ?? 0 };
  };
  return { ask, asked };
}

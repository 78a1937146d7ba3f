import { appendFileSync } from "node:fs";
import type { Answer } from "./client.ts";
import type { Counts, Failure, Job, Line } from "./job.ts";

export interface Tally {
  sent(): void;
  skipped(): void;
  answered(answer: Answer): void;
  moved(from: string, to: string): void;
  counts(): Counts;
  write(type: "snapshot" | "end"): void;
}

/** Of a broken system there are enough failures after these. */
const MOST_FAILURES = 2000;

export function createTally({ output }: Job): Tally {
  let [sent, skipped, answered, failed, deliberate] = [0, 0, 0, 0, 0];
  const byVersion: Record<string, number> = {};
  const byStatus: Record<string, number> = {};
  const deliberateByVersion: Record<string, number> = {};
  const moves: Record<string, number> = {};
  const write = (line: Line): void => {
    appendFileSync(output, `${JSON.stringify(line)}\n`);
  };
  const counts = (): Counts => {
    const numbers = { at: Date.now(), sent, answered, failed, deliberate, skipped };
    return { ...numbers, byVersion, byStatus, deliberateByVersion, moves };
  };
  return {
    sent: () => void (sent += 1),
    skipped: () => void (skipped += 1),
    moved: (from, to) => {
      const move = `${from} to ${to}`;
      moves[move] = (moves[move] ?? 0) + 1;
    },
    answered: (answer) => {
      answered += 1;
      const { status, error, version = "none" } = answer;
      const kind = error ?? String(status);
      byStatus[kind] = (byStatus[kind] ?? 0) + 1;
      byVersion[version] = (byVersion[version] ?? 0) + 1;
      if (answer.deliberate) {
        deliberate += 1;
        deliberateByVersion[version] = (deliberateByVersion[version] ?? 0) + 1;
      } else if (error !== undefined || status !== 200) {
        failed += 1;
        if (failed <= MOST_FAILURES) write({ type: "failure", failure: failureOf(answer, kind) });
      }
    },
    counts,
    write: (type) => write({ type, counts: counts() }),
  };
}

function failureOf(answer: Answer, kind: string): Failure {
  const { tookMs, connection, version, detail, peer } = answer;
  return {
    at: Date.now(),
    tookMs: Math.round(tookMs),
    kind,
    connection,
    ...(version === undefined ? {} : { version }),
    ...(detail === undefined ? {} : { detail }),
    ...(peer === undefined ? {} : { peer }),
  };
}

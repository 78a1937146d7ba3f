import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../../cluster/harness/polling.ts";
import { startProcess } from "../../cluster/harness/processes.ts";
import type { Counts, Failure, Job, Line } from "../load/job.ts";

/** Requests at a fixed rate from a process of their own. */
export interface Load {
  readonly name: string;
  /** Counts so far, at most a quarter of a second old. */
  counts(): Counts;
  /** Every failure so far, with its time. */
  failures(): readonly Failure[];
  /** How the answers of the last seconds were spread over the versions, each 0 to 1. */
  shares(seconds: number): Readonly<Record<string, number>>;
  /** Resolves with the final counts when the last answer is in. Can be called twice. */
  stop(): Promise<Counts>;
}

export type LoadOptions = Pick<Job, "name" | "target"> & Partial<Job>;

const generator = join(import.meta.dirname, "../load/generate.ts");

/** Returns when the first answers are in. */
export async function startLoad(folder: string, options: LoadOptions): Promise<Load> {
  const output = join(folder, `load-${options.name}.jsonl`);
  const job: Job = { ...defaults, output, ...options };
  const child = startProcess({
    name: `load-${job.name}`,
    command: process.execPath,
    args: [generator, JSON.stringify(job)],
    env: { NODE_OPTIONS: undefined },
    logFile: join(folder, `load-${job.name}.log`),
  });
  const lines = (): Line[] => (existsSync(output) ? readFileSync(output, "utf8").split("\n").flatMap(parse) : []);
  const snapshots = (): Counts[] => lines().flatMap((line) => (line.type === "failure" ? [] : [line.counts]));
  const load: Load = {
    name: job.name,
    counts: () => snapshots().at(-1) ?? nothing,
    failures: () => lines().flatMap((line) => (line.type === "failure" ? [line.failure] : [])),
    shares: (seconds) => sharesOf(snapshots(), seconds),
    stop: async () => {
      await child.stop(job.timeoutMs + 2000);
      return load.counts();
    },
  };
  await waitFor(`answers to load-${job.name}`, () => {
    if (load.counts().answered > 0) return true;
    if (!child.running()) throw new Error(`the load generator ended:\n${child.logs()}`);
    return false;
  });
  return load;
}

const defaults = {
  rps: 300,
  freshShare: 0.5,
  host: "shop.example.com",
  headers: {},
  users: 0,
  path: "/",
  timeoutMs: 5000,
  maxSeconds: 900,
  maxRequests: 1_000_000,
};

const nothing: Counts = {
  at: 0,
  sent: 0,
  answered: 0,
  failed: 0,
  deliberate: 0,
  skipped: 0,
  byVersion: {},
  byStatus: {},
  deliberateByVersion: {},
  moves: {},
};

function parse(line: string): Line[] {
  try {
    return [JSON.parse(line) as Line];
  } catch {
    // The last one, half written.
    return [];
  }
}

function sharesOf(snapshots: readonly Counts[], seconds: number): Record<string, number> {
  const last = snapshots.at(-1);
  if (last === undefined) return {};
  const first = snapshots.find(({ at }) => at >= last.at - seconds * 1000) ?? nothing;
  const total = last.answered - first.answered;
  const versions = Object.entries(last.byVersion).map(([version, count]) => {
    return [version, total === 0 ? 0 : (count - (first.byVersion[version] ?? 0)) / total] as const;
  });
  return Object.fromEntries(versions.filter(([, share]) => share > 0));
}

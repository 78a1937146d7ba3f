import { readFileSync } from "node:fs";

/** Median, 95th percentile and largest of some milliseconds, to be read side by side with others. */
export function spread(values: readonly number[]): string {
  const at = (share: number): string => `${Math.round(quantile(values, share))} ms`.padStart(9);
  return values.length === 1 ? at(0) : `p50 ${at(0.5)}  p95 ${at(0.95)}  max ${at(1)}`;
}

/** The value that a share (0 to 1) of all is below; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** What there was of each kind for each of `size` members, such as `patch Canary 1.3`, the most frequent first. */
export function kindsEach(counts: ReadonlyMap<string, number>, size: number): string {
  return [...counts]
    .map(([what, count]) => [what, count / size] as const)
    .filter(([, each]) => each >= 0.05)
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, each]) => `${what} ${each.toFixed(1)}`)
    .join(", ");
}

/** User and system time. Source: proc(5), fields 14 and 15, in ticks of 1/100 s. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What a process holds now. */
export function memoryMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** The most that a process held since its start. Source: proc(5), VmHWM. */
export function peakMemoryMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

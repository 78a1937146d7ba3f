import { readFileSync } from "node:fs";
import { cpuSeconds } from "../figures.ts";

/** What a burst cost, and whether somebody else was in its way. */
export interface Load {
  /** CPU seconds of the control plane, the controller and this process together: noise moves it far less than time. */
  readonly together: number;
  /** Cores that everybody else on the machine took on average. */
  readonly others: number;
}

/** Begins to count; what it returns ends that. */
export function countLoad(pids: readonly number[]): () => Load {
  const ours = (): number => [...pids, process.pid].reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = { ours: ours(), busy: busySeconds(), at: performance.now() };
  return () => {
    const together = ours() - before.ours;
    const seconds = (performance.now() - before.at) / 1000;
    return { together, others: Math.max(0, (busySeconds() - before.busy - together) / seconds) };
  };
}

/** Of all cores since the machine started, stolen time included. Source: proc(5), /proc/stat, in ticks of 1/100 s. */
function busySeconds(): number {
  const ticks = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = ticks;
  return (ticks.reduce((sum, count) => sum + count, 0) - idle - waiting) / 100;
}

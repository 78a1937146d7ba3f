import { uptime } from "node:os";
import { systemClock } from "./time.ts";
import type { Clock } from "./time.ts";

/** The two clocks of a machine, in milliseconds. */
export interface MachineClocks {
  /** What people call the time; anybody may set it. */
  wall(): number;
  /** Time since some moment that nobody sets; it counts while the machine sleeps. */
  running(): number;
}

/** The time since the machine's start is read from a file of the kernel's, which is too dear to do for every look. */
const READ_AGAIN_AFTER_MS = 5;

function runningOfMachine(): () => number {
  let read = { at: performance.now(), running: uptime() * 1_000 };
  return () => {
    const at = performance.now();
    if (at - read.at >= READ_AGAIN_AFTER_MS) read = { at, running: uptime() * 1_000 };
    return read.running + (at - read.at);
  };
}

const machine: MachineClocks = { wall: () => Date.now(), running: runningOfMachine() };

/** A jump is made up for by so much of the time that passes: waits are at most that much too long or too short. */
const SLEW = 0.1;

/**
 * The wall clock without its jumps. When somebody sets the machine's time, drains and holds neither end at once nor begin
 * anew: this clock goes on, a tenth slower or faster, until it shows the machine's time again. It never goes back.
 */
export function createSteadyClock({ wall, running }: MachineClocks = machine): Clock {
  let now = wall();
  let lastRunning = running();
  return {
    now() {
      const at = running();
      const passed = Math.max(0, at - lastRunning);
      lastRunning = at;
      const behind = wall() - (now + passed);
      now += passed + Math.max(-SLEW * passed, Math.min(SLEW * passed, behind));
      return Math.round(now);
    },
    after: systemClock.after,
  };
}

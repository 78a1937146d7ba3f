import { describe, expect, it } from "vitest";
import { createSteadyClock } from "../../src/lib/steadyClock.ts";

/** A machine whose wall clock the test sets. */
function aMachine() {
  let running = 5_000;
  let offset = 1_000_000;
  const clock = createSteadyClock({ wall: () => running + offset, running: () => running });
  /** Lets time pass while somebody looks at the clock now and then. */
  const pass = (milliseconds: number): number => {
    const before = clock.now();
    for (let left = milliseconds; left > 0; left -= 250) {
      running += Math.min(250, left);
      clock.now();
    }
    return clock.now() - before;
  };
  return {
    clock,
    pass,
    wall: () => running + offset,
    set: (by: number) => (offset += by),
    drift: (by: number) => (offset += by),
  };
}

describe("the steady clock", () => {
  it("shows the machine's time while nobody sets it", () => {
    const { clock, pass, wall } = aMachine();
    expect(pass(60_000)).toBe(60_000);
    expect(clock.now()).toBe(wall());
  });

  it.each([3_600_000, -3_600_000, 30_000, -30_000])("does not jump when the time is set by %i ms", (by) => {
    const { clock, pass, set } = aMachine();
    const before = clock.now();
    set(by);
    expect(clock.now()).toBe(before);
    const tenSeconds = pass(10_000);
    expect(tenSeconds).toBeGreaterThanOrEqual(9_000);
    expect(tenSeconds).toBeLessThanOrEqual(11_000);
  });

  it.each([60_000, -60_000])("shows the machine's time again after a while when it was set by %i ms", (by) => {
    const { clock, pass, wall, set } = aMachine();
    set(by);
    pass(660_000);
    expect(clock.now()).toBe(wall());
    expect(pass(60_000)).toBe(60_000);
  });

  it("never goes back, however often somebody looks", () => {
    const { clock, set } = aMachine();
    const seen = [clock.now()];
    for (let times = 0; times < 100; times++) {
      set(times % 2 === 0 ? -500 : 499);
      seen.push(clock.now());
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it("is that of the real machine", () => {
    expect(Math.abs(createSteadyClock().now() - Date.now())).toBeLessThan(1_000);
  });
});

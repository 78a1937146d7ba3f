import { beforeEach, describe, expect, test } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import { createQueue } from "../../src/kube/queue.ts";
import type { Queue, QueueFailure, QueueOptions, RunResult } from "../../src/kube/queue.ts";
import { createVirtualClock, settle } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";

interface Run {
  readonly key: string;
  readonly atMs: number;
  readonly signal: AbortSignal;
  finish(result?: RunResult): void;
  fail(error: unknown): void;
}

let clock: VirtualClock;
let runs: Run[];
let failures: QueueFailure[];
let startMs: number;

beforeEach(() => {
  clock = createVirtualClock();
  startMs = clock.now();
  runs = [];
  failures = [];
});

/** A queue whose runs end when the test says so. */
function manual(options: Partial<QueueOptions> = {}): Queue {
  const run: QueueOptions["run"] = (key, { signal }) =>
    new Promise<RunResult>((resolve, reject) => {
      runs.push({ key, atMs: clock.now() - startMs, signal, finish: (result = {}) => resolve(result), fail: reject });
    });
  return createQueue({
    clock,
    workers: 2,
    run,
    random: () => 1,
    onError: (failure) => failures.push(failure),
    ...options,
  });
}

/** A queue whose runs end by themselves. */
function automatic(result: (key: string) => RunResult = () => ({}), options: Partial<QueueOptions> = {}): Queue {
  const run: QueueOptions["run"] = (key, { signal }) => {
    runs.push({ key, atMs: clock.now() - startMs, signal, finish: () => {}, fail: () => {} });
    return Promise.resolve(result(key));
  };
  return createQueue({ clock, workers: 1, run, random: () => 1, ...options });
}

const keys = (): string[] => runs.map(({ key }) => key);
const times = (): number[] => runs.map(({ atMs }) => atMs);
const last = (): Run => runs.at(-1) ?? expect.fail("nothing ran");

describe("add", () => {
  test("runs a key once, however often it is added before that", async () => {
    const queue = automatic();
    for (const key of ["a", "b", "a", "a"]) queue.add(key);
    await settle();
    expect(keys()).toEqual(["a", "b"]);
  });

  test("of a key that runs runs it again afterwards, never at the same time", async () => {
    const queue = manual();
    queue.add("a");
    await settle();
    queue.add("a");
    queue.add("a");
    await settle();
    expect(keys()).toEqual(["a"]);
    last().finish();
    await settle();
    expect(keys()).toEqual(["a", "a"]);
    last().finish();
    await settle();
    expect(keys()).toEqual(["a", "a"]);
  });

  test("keeps to the number of workers and to the order of arrival", async () => {
    const queue = manual({ workers: 2 });
    for (const key of ["a", "b", "c", "d"]) queue.add(key);
    await settle();
    expect(keys()).toEqual(["a", "b"]);
    runs[1]?.finish();
    await settle();
    expect(keys()).toEqual(["a", "b", "c"]);
  });

  test("puts a key that was added while it ran behind those that wait", async () => {
    const queue = manual({ workers: 1 });
    queue.add("busy");
    await settle();
    queue.add("busy");
    queue.add("other");
    last().finish();
    await settle();
    expect(keys()).toEqual(["busy", "other"]);
  });

  test("never runs within its caller", async () => {
    const queue = automatic();
    queue.add("a");
    expect(runs).toHaveLength(0);
    await settle();
    expect(runs).toHaveLength(1);
  });
});

describe("a delay", () => {
  test.for<{ name: string; add: (queue: Queue) => void; at: number[] }>([
    { name: "is kept", add: (queue) => queue.addAfter("a", 500), at: [500] },
    {
      name: "gives way to an earlier one",
      add: (queue) => {
        queue.addAfter("a", 500);
        queue.addAfter("a", 200);
        queue.addAfter("a", 900);
      },
      at: [200],
    },
    {
      name: "ends with an add",
      add: (queue) => {
        queue.addAfter("a", 500);
        queue.add("a");
      },
      at: [0],
    },
    {
      name: "after an add changes nothing",
      add: (queue) => {
        queue.add("a");
        queue.addAfter("a", 500);
      },
      at: [0],
    },
    {
      name: "of a forgotten key is over",
      add: (queue) => {
        queue.addAfter("a", 500);
        queue.forget("a");
      },
      at: [],
    },
    { name: "of zero is none", add: (queue) => queue.addAfter("a", 0), at: [0] },
  ])("$name", async ({ add, at }) => {
    add(automatic());
    await clock.advance(2_000);
    expect(times()).toEqual(at);
  });

  test("is what a run asks for with recheckAfterMs", async () => {
    automatic(() => ({ recheckAfterMs: 300 })).add("a");
    await clock.advance(1_000);
    expect(times()).toEqual([0, 300, 600, 900]);
  });

  test("that was added while the key ran counts when it is earlier than the recheck", async () => {
    const queue = manual();
    queue.add("a");
    await settle();
    queue.addAfter("a", 100);
    last().finish({ recheckAfterMs: 900 });
    await clock.advance(2_000);
    expect(times()).toEqual([0, 100]);
  });
});

describe("a run that fails", () => {
  const error = new Error("no luck");
  const failing = (options: Partial<QueueOptions> = {}): Queue =>
    manual({
      run: (key, { signal }) => {
        runs.push({ key, atMs: clock.now() - startMs, signal, finish: () => {}, fail: () => {} });
        return Promise.reject(error);
      },
      ...options,
    });

  test("is run again after a delay that doubles, up to its bound", async () => {
    failing({ backoff: { minMs: 200, maxMs: 1_000 } }).add("a");
    await clock.advance(5_000);
    expect(failures.map(({ retryInMs }) => retryInMs).slice(0, 5)).toEqual([400, 800, 1_000, 1_000, 1_000]);
    expect(times().slice(0, 4)).toEqual([0, 400, 1_200, 2_200]);
  });

  test("starts at 0.2 s and stays below a minute by default, and is told each time", async () => {
    failing({ random: () => 0 }).add("a");
    await clock.advance(30 * 60_000);
    expect(failures[0]).toMatchObject({ key: "a", error, failures: 1, retryInMs: 200 });
    expect(Math.max(...failures.map(({ retryInMs }) => retryInMs))).toBeLessThanOrEqual(60_000);
  });

  test("forgets its failures with the first success", async () => {
    const queue = manual();
    for (const fail of [true, true, false, true]) {
      queue.add("a");
      await settle();
      if (fail) last().fail(error);
      else last().finish();
      await settle();
    }
    expect(failures.map((failure) => failure.failures)).toEqual([1, 2, 1]);
  });

  test("waits at least as long as the server asked", async () => {
    const slow = new KubeError({ reason: "TooManyRequests", status: 429, message: "slow down", retryAfterMs: 7_000 });
    failing({ run: () => Promise.reject(slow) }).add("a");
    await settle();
    expect(failures).toMatchObject([{ retryInMs: 7_000 }]);
  });

  test("by throwing before its first await is treated alike", async () => {
    const queue = manual({
      run: () => {
        throw error;
      },
    });
    queue.add("a");
    await settle();
    expect(failures).toMatchObject([{ failures: 1 }]);
  });
});

describe("figures", () => {
  test("count what waits, runs, is delayed and was retried", async () => {
    const queue = manual({ workers: 1 });
    queue.add("a");
    await settle();
    queue.add("b");
    queue.add("c");
    queue.addAfter("d", 60_000);
    await clock.advance(1_500);
    expect(queue.figures()).toEqual({ depth: 2, oldestAgeMs: 1_500, running: 1, delayed: 1, retries: 0 });
    last().fail(new Error("no luck"));
    await settle();
    expect(queue.figures()).toMatchObject({ depth: 1, running: 1, delayed: 2, retries: 1 });
  });
});

describe("stop", () => {
  test("lets what runs finish and starts nothing else", async () => {
    const queue = manual({ workers: 1 });
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 100);
    await settle();
    const stopped = queue.stop({ deadlineMs: 5_000 });
    await clock.advance(1_000);
    expect(last().signal.aborted).toBe(false);
    last().finish({ recheckAfterMs: 10 });
    expect(await stopped).toBe(0);
    await clock.advance(10_000);
    expect(keys()).toEqual(["a"]);
    expect(clock.pending()).toBe(0);
  });

  test("aborts at the deadline what has not finished, and says how much", async () => {
    const queue = manual();
    queue.add("a");
    await settle();
    const stopped = queue.stop({ deadlineMs: 5_000 });
    await clock.advance(5_000);
    expect(await stopped).toBe(1);
    expect(last().signal.aborted).toBe(true);
  });

  test("of an idle queue is immediate", async () => {
    expect(await manual().stop({ deadlineMs: 5_000 })).toBe(0);
  });

  test("by the signal aborts every run at once", async () => {
    const abort = new AbortController();
    const queue = manual({ signal: abort.signal });
    queue.add("a");
    await settle();
    abort.abort();
    queue.add("b");
    await settle();
    expect(last().signal.aborted).toBe(true);
    expect(keys()).toEqual(["a"]);
  });
});

test("ten thousand keys at once let other work through", async () => {
  const queue = automatic(() => ({}), { workers: 8 });
  for (let index = 0; index < 10_000; index++) queue.add(String(index));
  let ranWhenTimerFired = 0;
  await new Promise<void>((resolve) =>
    setTimeout(() => {
      ranWhenTimerFired = runs.length;
      resolve();
    }, 0),
  );
  expect(ranWhenTimerFired).toBeLessThan(10_000);
  while (runs.length < 10_000) await settle();
  expect(new Set(keys()).size).toBe(10_000);
});

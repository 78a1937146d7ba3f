import { describe, expect, test } from "vitest";
import { matcher } from "../../../src/sandbox/prometheus/matchers.ts";
import { createTsdb } from "../../../src/sandbox/prometheus/tsdb.ts";

const ALL = { afterMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
const UP = { __name__: "up" };
const up = [matcher("__name__", "=", "up")];

describe("the sample store", () => {
  test("keeps the order of time: a sample at or before the newest one is dropped", () => {
    const tsdb = createTsdb({ now: () => 5000 });
    expect([1000, 3000, 3000, 2000, 4000].map((timeMs) => tsdb.append(UP, timeMs, timeMs))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(tsdb.selectWindow(up, ALL)[0]?.points.map(({ timeMs }) => timeMs)).toEqual([1000, 3000, 4000]);
  });

  test("a window leaves out its left end and includes its right end", () => {
    const tsdb = createTsdb({ now: () => 5000 });
    for (const timeMs of [1000, 2000, 3000, 4000]) tsdb.append(UP, timeMs, 1);
    const [found] = tsdb.selectWindow(up, { afterMs: 1000, untilMs: 3000 });
    expect(found?.points.map(({ timeMs }) => timeMs)).toEqual([2000, 3000]);
  });

  test("an empty label is an absent label", () => {
    const tsdb = createTsdb({ now: () => 5000 });
    tsdb.append({ ...UP, zone: "" }, 1000, 1);
    tsdb.append(UP, 2000, 1);
    expect(tsdb.selectWindow(up, ALL)).toMatchObject([{ labels: UP, points: [{}, {}] }]);
  });

  test("forgets samples past the retention, and series that have none left", () => {
    let nowMs = 0;
    const tsdb = createTsdb({ now: () => nowMs, retentionMs: 100_000 });
    for (; nowMs < 400_000; nowMs += 1000) {
      tsdb.append(UP, nowMs, 1);
      if (nowMs < 10_000) tsdb.append({ __name__: "brief" }, nowMs, 1);
    }
    expect(tsdb.seriesCount).toBe(1);
    expect(tsdb.selectWindow(up, ALL)[0]?.points.length).toBeLessThanOrEqual(160);
    expect(tsdb.append({ __name__: "late" }, nowMs - 100_000, 1)).toBe(false);
    tsdb.prune();
    expect(tsdb.selectWindow(up, ALL)[0]?.points).toHaveLength(99);
  });

  test("a series that was forgotten can come back", () => {
    let nowMs = 0;
    const tsdb = createTsdb({ now: () => nowMs, retentionMs: 1000 });
    tsdb.append(UP, 1, 1);
    nowMs = 5000;
    tsdb.prune();
    expect(tsdb.selectWindow(up, ALL)).toEqual([]);
    tsdb.append(UP, 5000, 2);
    expect(tsdb.selectWindow(up, ALL)).toEqual([{ labels: UP, points: [{ timeMs: 5000, value: 2 }] }]);
  });

  test.each([
    ["=~", "a|b", ["a", "b"]],
    ["=~", "a", ["a"]],
    ["=~", ".+", ["a", "ab", "b"]],
    ["!~", "a.*", ["", "b"]],
    ["!=", "a", ["", "ab", "b"]],
    ["=", "", [""]],
  ] as const)("finds the pods that match %s %j", (operator, value, pods) => {
    const tsdb = createTsdb({ now: () => 5000 });
    for (const pod of ["a", "ab", "b", ""]) tsdb.append({ ...UP, pod }, 1000, 1);
    const found = tsdb.selectWindow([...up, matcher("pod", operator, value)], ALL);
    expect(found.map(({ labels }) => labels["pod"] ?? "").sort()).toEqual(pods);
  });

  test.each(["a(?=b)", "(?<!a)b", "(a)\\1", "[[:alpha:]]", "\\pL", "a(?i)b", "("])(
    "refuses the pattern %s",
    (pattern) => {
      expect(() => matcher("pod", "=~", pattern)).toThrow(expect.objectContaining({ name: "PatternError" }));
    },
  );

  test.each([
    ["[]a]+", "]a]", true],
    ["[^]]", "a", true],
    ["\\Aa\\z", "a", true],
    ["(?:a|b)(?P<rest>.)", "ax", true],
    ["(?i)AB", "ab", true],
    ["a(?i:B)", "ab", true],
    ["a.b", "a\nb", true],
    ["a|b", "ab", false],
    ["a$", "a\n", false],
  ])("the RE2 pattern %j on %j answers %s", (pattern, text, expected) => {
    expect(matcher("pod", "=~", pattern).matches(text)).toBe(expected);
  });
});

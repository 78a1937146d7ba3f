import { describe, expect, it } from "vitest";
import { canonical, covers, sameJson } from "../../src/lib/json.ts";

describe("two values", () => {
  it.each([
    [{ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
  ])("%j and %j are the same: %j", (a, b, same) => {
    expect(sameJson(a, b)).toBe(same);
    expect(canonical(a) === canonical(b)).toBe(same);
  });

  it.each([
    [{ a: 1, b: 2 }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] }, true],
    [{ a: [1, 2] }, { a: [1] }, false],
    [{}, { a: [], b: {} }, true],
    [{ a: 1 }, { a: { b: 1 } }, false],
  ])("%j says all of %j: %j", (whole, part, expected) => {
    expect(covers(whole, part)).toBe(expected);
  });
});

import { describe, expect, it } from "vitest";
import { rememberByObject, rememberByText } from "../../src/lib/remember.ts";

describe("a function that remembers", () => {
  it("works an object out once, and another object with the same contents anew", () => {
    let worked = 0;
    const size = rememberByObject((input: { readonly names: readonly string[] }) => {
      worked += 1;
      return input.names.length;
    });
    const object = { names: ["a", "b"] };
    expect([size(object), size(object), worked]).toEqual([2, 2, 1]);
    expect([size({ names: ["a"] }), worked]).toEqual([1, 2]);
  });

  it("remembers undefined as an answer", () => {
    let worked = 0;
    const nothing = rememberByObject((_input: object) => {
      worked += 1;
      return undefined;
    });
    const object = {};
    expect([nothing(object), nothing(object), worked]).toEqual([undefined, undefined, 1]);
  });

  it("keeps no more texts than it may, and gives the oldest up first", () => {
    const worked: string[] = [];
    const upper = rememberByText(2, (text) => {
      worked.push(text);
      return text.toUpperCase();
    });
    expect(["a", "b", "c", "b", "a"].map(upper)).toEqual(["A", "B", "C", "B", "A"]);
    expect(worked).toEqual(["a", "b", "c", "a"]);
  });
});

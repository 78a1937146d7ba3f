import { describe, expect, it } from "vitest";
import { asLabel, previousLabelOf } from "../../src/lib/labels.ts";
import { primaryLabelOf, selects } from "../../src/observe/label.ts";

describe("the label that tells the primary's pods from the target's", () => {
  it.each([
    [
      { app: "web", tier: "x" },
      { key: "app", value: "web-primary" },
    ],
    [
      { name: "web", "app.kubernetes.io/name": "w" },
      { key: "name", value: "web-primary" },
    ],
    [
      { "app.kubernetes.io/name": "web", a: "1" },
      { key: "app.kubernetes.io/name", value: "web-primary" },
    ],
    [
      { z: "1", k: "2" },
      { key: "k", value: "2-primary" },
    ],
    [{ app: "a".repeat(55) }, { key: "app", value: `${"a".repeat(55)}-primary` }],
    [{ app: "a".repeat(63) }, { key: "app", value: `${"a".repeat(44)}-7d3e74a05d-primary` }],
    [{}, undefined],
    [undefined, undefined],
  ])("of %j is %j", (labels, expected) => {
    expect(primaryLabelOf(labels)).toEqual(expected);
  });
});

describe("names that are too long for a label", () => {
  const long = "a".repeat(60);

  it.each([
    ["of primaries", (name: string) => primaryLabelOf({ app: name })?.value ?? ""],
    ["of versions before", (name: string) => previousLabelOf({ key: "app", value: `${name}-primary` }).value],
    ["of Canaries that have Jobs", asLabel],
  ])("%s stay two, and fit", (_what, valueOf) => {
    const [one, other] = [valueOf(`${long}-1b`), valueOf(`${long}-2b`)];
    expect(one).not.toBe(other);
    for (const value of [one, other]) expect(value).toMatch(/^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/);
  });
});

describe("a selector", () => {
  it.each([
    [{ app: "web" }, { app: "web", x: "y" }, true],
    [{ app: "web", x: "z" }, { app: "web", x: "y" }, false],
    [{}, { app: "web" }, false],
    [undefined, { app: "web" }, false],
  ])("%j on pods %j: %j", (selector, pods, expected) => {
    expect(selects(selector, pods)).toBe(expected);
  });
});

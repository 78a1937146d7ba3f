import { describe, expect, it } from "vitest";
import { fillQuery } from "../../src/metrics/variables.ts";

const variables = {
  namespace: "shop",
  target: "podinfo",
  primary: "podinfo-primary",
  canary: "podinfo-canary",
  interval: "30s",
};

describe("variables of a query", () => {
  it.each([
    ["up", "up"],
    ["rate(x{ns='{{namespace}}'}[{{ interval }}])", "rate(x{ns='shop'}[30s])"],
    ["{{ target }} {{primary}} {{  canary}} {{canary }}", "podinfo podinfo-primary podinfo-canary podinfo-canary"],
    ["{{\n canary \n}}", "podinfo-canary"],
    ['sum by (a) (x{a="{b}"})', 'sum by (a) (x{a="{b}"})'],
    ['x{a=~".{2}"}', 'x{a=~".{2}"}'],
  ])("%j becomes %j", (query, expected) => {
    expect(fillQuery(query, variables)).toEqual({ ok: true, query: expected });
  });

  it.each([
    ["x{a='{{ args.name }}'}", "the unknown variable {{ args.name }}"],
    ["{{Namespace}}", "the unknown variable {{ Namespace }}"],
    ["{{ toString }}", "the unknown variable {{ toString }}"],
    ["{{ }}", "an empty variable {{ }}"],
  ])("%j is refused with the names that there are", (query, says) => {
    const filled = fillQuery(query, variables);
    expect(filled).toMatchObject({ ok: false, message: expect.stringContaining(says) as string });
    expect(filled).toMatchObject({
      message: expect.stringContaining(
        "{{ namespace }}, {{ target }}, {{ primary }}, {{ canary }}, {{ interval }}",
      ) as string,
    });
  });
});

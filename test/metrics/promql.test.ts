import { describe, expect, test } from "vitest";
import { checkPromql } from "../../src/metrics/promql.ts";
import { DATA_PLANE_QUERIES } from "../sandbox/prometheus/data-planes.ts";

describe("checkPromql", () => {
  test.each([
    ...DATA_PLANE_QUERIES.map(({ query }) => query),
    "up",
    "histogram_count(x)",
    'a{b="}"} # a comment with ( in it',
    "sum by (le) (rate(x[5m] offset -1h))",
    "{'a\\'b'=`c`}",
  ])("accepts %s", (query) => {
    expect(checkPromql(query)).toEqual({ ok: true });
  });

  test.each([
    ["", 1, 1, "no expression found in input"],
    ["   # nothing", 1, 13, "no expression found in input"],
    ["sum(rate(x[5m])", 1, 16, "unexpected end of input"],
    ["sum(a,)", 1, 7, 'unexpected ")"'],
    ["a[$w]", 1, 3, 'unexpected "$"'],
    ["a{b=c}", 1, 5, 'unexpected "c"'],
    ['a{b="c}', 1, 5, "unterminated quoted string"],
    ["a +", 1, 4, "unexpected end of input"],
    ["1 2", 1, 3, 'unexpected "2"'],
    ["sum(\n  rat(x[5m])\n)", 2, 3, 'unknown function with name "rat"'],
    ["{{ args.x }}", 1, 2, 'unexpected "{"'],
    ["a[5 minutes]", 1, 5, 'unexpected "minutes"'],
    ["a and and b", 1, 11, 'unexpected "b"'],
  ])("refuses %j at %i:%i", (query, line, column, message) => {
    expect(checkPromql(query)).toEqual({ ok: false, line, column, message });
  });
});

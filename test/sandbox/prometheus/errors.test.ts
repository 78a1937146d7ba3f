import { describe, expect, test } from "vitest";
import { createQueryEngine } from "../../../src/sandbox/prometheus/eval/query.ts";
import { EPOCH_MS, loaded, SHOP } from "./samples.ts";

const engine = createQueryEngine({ storage: loaded(SHOP) });
const ask = (query: string): unknown => engine.instant(query, EPOCH_MS + 305_000);

describe("a query that Prometheus would refuse is refused with its position", () => {
  test.each([
    ["sum(", "1:5: parse error: unexpected end of input"],
    ["rate(line)", '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    ["abs(1)", '1:5: parse error: expected type instant vector in call to function "abs", got scalar'],
    ["abs(line, line)", '1:1: parse error: expected 1 argument(s) in call to "abs", got 2'],
    ["round(line, 1, 2)", '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
    ['label_join(line, "a")', '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 2'],
    ["topk(line)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"],
    ["sum(line[5m])", "1:5: parse error: expected type instant vector in aggregation expression, got range vector"],
    ["1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"],
    ["1 and line", '1:3: parse error: set operator "and" not allowed in binary scalar expression'],
    ["line + bool line", "1:6: parse error: bool modifier can only be used on comparison operators"],
    ["line + on (a) 1", "1:6: parse error: vector matching only allowed between instant vectors"],
    ["line and on (a) group_left line", '1:6: parse error: no grouping allowed for "and" operation'],
    ["a * on (x) group_left (x) b", '1:3: parse error: label "x" must not occur in ON and GROUP clause at once'],
    ["sum(line)[5m]", "1:1: parse error: ranges only allowed for vector selectors"],
    ["(line)[5m]", "1:2: parse error: ranges only allowed for vector selectors"],
    ["line offset 1m[5m]", "1:1: parse error: no offset or @ modifiers allowed before range"],
    ["line offset 1m offset 1m", "1:1: parse error: offset may not be set multiple times"],
    ["line[5m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"],
    ["line[0s]", "1:6: parse error: duration must be greater than 0"],
    ["{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"],
    ['{a=~".*"}', "1:1: parse error: vector selector must contain at least one non-empty matcher"],
    ['line{__name__="x"}', "1:1: parse error: metric name must not be set twice"],
    ['line{\n  a=~"("}', '2:6: parse error: error parsing regexp "("'],
    ['"a" + 1', "1:1: parse error: binary expression must contain only scalar and instant vector types"],
    ['"\\q"', "1:1: parse error: unknown escape sequence \\q"],
  ])("%j", (query, message) => {
    expect(() => ask(query)).toThrow(expect.objectContaining({ kind: "parse", message }));
  });
});

describe("PromQL that the embedded evaluator leaves out is refused by name and position", () => {
  test.each([
    ["1 + histogram_count(line)", "1:5: parse error: the function histogram_count() is not supported by"],
    ["sum(\n  info(line))", "2:3: parse error: the function info() is not supported by"],
    ["limitk(1, line)", "1:1: parse error: the aggregation limitk() is not supported by"],
    ["line[5m + 1m]", "1:6: parse error: arithmetic in a duration is not supported by"],
    ["line[5m] smoothed", '1:1: parse error: the modifier "smoothed" is not supported by'],
    ["line + fill(0) line", "1:8: parse error: the modifier fill is not supported by"],
    ["line >/ 1", "1:6: parse error: the operator >/ is not supported by"],
  ])("%j", (query, message) => {
    const whole = `${message} the embedded evaluator`;
    expect(() => ask(query)).toThrow(expect.objectContaining({ kind: "unsupported", message: whole }));
  });
});

describe("samples that do not allow an operation are an execution error", () => {
  test.each([
    ["limits + on (resource) limits", 'found duplicate series for the match group {resource="cpu"} on the right'],
    ["requests_total + on (pod) owner_info", "multiple matches for labels: many-to-one matching must be explicit"],
    ["requests_total * on (pod) group_left (code) (owner_info)", "multiple matches for labels: grouping labels must"],
    ["topk(NaN, limits)", "Parameter value is NaN"],
    ['rate({__name__=~"line|sparse"}[5m])', "vector cannot contain metrics with the same labelset"],
    ['label_replace(limits, "", "x", "pod", ".*")', "invalid destination label name in label_replace()"],
    ['label_replace(limits, "a", "x", "pod", "(")', "invalid regular expression in label_replace()"],
  ])("%j", (query, message) => {
    expect(() => ask(query)).toThrow(
      expect.objectContaining({ kind: "execution", message: expect.stringContaining(message) as string }),
    );
  });
});

test("a range query of a type that has no value at one instant is refused", () => {
  const range = { startMs: EPOCH_MS, endMs: EPOCH_MS + 1000, stepMs: 1000 };
  expect(() => engine.range({ ...range, query: "line[5m]" })).toThrow(/invalid expression type "range vector"/);
});

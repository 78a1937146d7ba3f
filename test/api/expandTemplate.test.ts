import { describe, expect, it } from "vitest";
import { analysisTemplateSpecSchema, templateUse } from "../../src/api/analysisTemplate.ts";
import { expandTemplate } from "../../src/api/expandTemplate.ts";

const args = [
  { name: "service" },
  { name: "window", type: "Duration", default: "1m" },
  { name: "max", type: "Number", sets: [{ check: "errors", field: "threshold.max" }] },
  { name: "limit", type: "Integer", sets: [{ check: "errors", field: "threshold.failureLimit" }] },
  { name: "provider", sets: [{ check: "errors", field: "threshold.providerRef.name" }] },
];
const query = 'sum(rate(errors{job="{{ args.service }}", namespace="{{ namespace }}"}[{{args.window}}]))';
const checks = [
  { name: "errors", threshold: { query, max: 0.01 } },
  { name: "up", mode: "Report", threshold: { query: "up", min: 1 } },
];

function expand(
  given: Readonly<Record<string, string>>,
  more: { prefix?: string; args?: object; checks?: object } = {},
) {
  const { prefix, ...fields } = more;
  const spec = analysisTemplateSpecSchema.parse({ args, checks, ...fields });
  const list = Object.entries(given).map(([name, value]) => ({ name, value }));
  return expandTemplate(spec, templateUse.parse({ name: "t", prefix, ...(list.length === 0 ? {} : { args: list }) }));
}

describe("a template", () => {
  it("gives its checks with texts filled in and fields set", () => {
    const expanded = expand({ service: "web", max: "5e-2", limit: "4", provider: "thanos" });
    expect(expanded).toMatchObject({
      ok: true,
      checks: [
        {
          name: "errors",
          threshold: {
            query: 'sum(rate(errors{job="web", namespace="{{ namespace }}"}[1m]))',
            max: 0.05,
            failureLimit: 4,
            providerRef: { name: "thanos" },
          },
        },
        { name: "up", mode: "Report", threshold: { query: "up", min: 1 } },
      ],
    });
  });

  it("leaves a field as it is that nobody sets, and puts a prefix before names", () => {
    expect(expand({ service: "web", window: "5m" }, { prefix: "shop" })).toMatchObject({
      ok: true,
      checks: [{ name: "shop-errors", threshold: { max: 0.01, failureLimit: 2 } }, { name: "shop-up" }],
    });
  });

  it.each([
    [{}, {}, "argument service has no default and needs a value"],
    [{ service: "web", svc: "x" }, {}, "there is no argument svc; it has service, window, max, limit, provider"],
    [{ service: "web", max: "1%" }, {}, 'argument max has to be a number, such as 0.01, not "1%"'],
    [{ service: "web", limit: "0.5" }, {}, 'argument limit has to be a whole number, such as 3, not "0.5"'],
    [
      { service: "web", window: "soon" },
      {},
      'argument window has to be a duration, such as 30s, 5m or 1h30m, not "soon"',
    ],
    [{ service: "web", limit: "900" }, {}, "check errors: threshold.failureLimit: "],
    [
      {},
      { args: [{ name: "x", default: "1" }] },
      "check errors: it uses the argument service, which has no value or is not in args",
    ],
    [
      { x: "1" },
      { args: [{ name: "x", sets: [{ check: "up", field: "threshold.maximum" }] }], checks: [checks[1]] },
      "check up: an argument sets threshold.maximum, and a check has no such field",
    ],
    [
      { x: "0" },
      { args: [{ name: "x", type: "Number", sets: [{ check: "up", field: "threshold.max" }] }], checks: [checks[1]] },
      "check up: threshold.min 1 is above threshold.max 0, so no reading could pass",
    ],
  ])("says what is wrong: %j %j", (given, more, sentence) => {
    expect(expand(given, more)).toMatchObject({ ok: false, message: expect.stringContaining(sentence) as string });
  });
});

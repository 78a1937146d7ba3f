import { describe, expect, test } from "vitest";
import { createQueryEngine } from "../../../src/sandbox/prometheus/eval/query.ts";
import { CASES } from "./cases.ts";
import { agree } from "./agree.ts";
import { render } from "./render.ts";
import { EPOCH_MS, loaded, SHOP } from "./samples.ts";

const engine = createQueryEngine({ storage: loaded(SHOP) });

describe.each(Object.entries(CASES))("evaluates %s as Prometheus does", (_group, cases) => {
  test.each(cases)("$query at $at", ({ query, at = 305, gives, ordered }) => {
    const got = render(engine.instant(query, EPOCH_MS + at * 1000));
    expect(agree(got, gives, ordered === true), `${JSON.stringify(got)} is not ${JSON.stringify(gives)}`).toBe(true);
  });
});

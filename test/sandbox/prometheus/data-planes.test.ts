import { expect, test } from "vitest";
import { createQueryEngine } from "../../../src/sandbox/prometheus/eval/query.ts";
import { DATA_PLANE_QUERIES, DATA_PLANE_SAMPLES } from "./data-planes.ts";
import { EPOCH_MS, loaded } from "./samples.ts";

const engine = createQueryEngine({ storage: loaded(DATA_PLANE_SAMPLES) });

test.each(DATA_PLANE_QUERIES)("evaluates for $plane: $query", ({ query, gives }) => {
  const value = engine.instant(query, EPOCH_MS + 305_000);
  const numbers = value.type === "vector" ? value.samples.map((sample) => sample.value) : [];
  expect(numbers).toEqual([expect.closeTo(gives, 10)]);
});

import { describe, expect, it } from "vitest";
import { windowMs } from "../../src/metrics/promqlWindow.ts";

describe("how far back a query looks", () => {
  it.each([
    ["up", 0],
    ["sum(rate(a[30s]))", 30_000],
    ['rate(a{b="[1h]"}[1m30s])', 90_000],
    ["rate(a[1m]) / rate(b[5m])", 300_000],
    ["rate(a[2m] offset 1h)", 120_000],
    ["max_over_time(rate(a[2m])[10m:1m])", 720_000],
    ["max_over_time(up[ 10m : ])", 600_000],
    ["rate(a[", 0],
  ])("%s", (query, expected) => {
    expect(windowMs(query)).toBe(expected);
  });
});

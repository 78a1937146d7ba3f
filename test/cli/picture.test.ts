import { describe, expect, it } from "vitest";
import { paintFor } from "../../src/cli/paint.ts";
import { picture, sparkline } from "../../src/cli/picture.ts";
import type { View } from "../../src/cli/picture.ts";
import type { CanaryStatus } from "../../src/api/status.ts";

const plain = paintFor({ stdout: { write: () => undefined }, env: {} });
const pods = { ready: 3, all: 3, troubles: [] };

function shown(status: CanaryStatus, view: Partial<View> = {}): string {
  const canary: View["canary"] = {
    apiVersion: "aviary.dev/v1beta1",
    kind: "Canary",
    metadata: { name: "web", namespace: "shop" },
    spec: { targetRef: { kind: "Deployment", name: "web" } },
    status,
  };
  return picture({ canary, target: pods, primary: pods, seen: new Map(), nowMs: 0, ...view }, plain).join("\n");
}

describe("the picture of a Canary", () => {
  it("tells what the evidence of a comparison amounts to, and what would have shown", () => {
    const evidence = {
      signal: "Errors",
      verdict: "Undecided",
      canary: { total: 1_200, bad: 3 },
      primary: { total: 9_800, bad: 20 },
      evidence: 1.234_5,
      needed: 20,
      dispersion: 1,
      detectable: { now: 3.456 },
    } as const;
    const check = { name: "regressions", verdict: "Undecided", message: "nothing yet", evidence: [evidence] } as const;
    const counts = { readings: 0, failures: 0, consecutiveFailures: 0 };
    expect(shown({ checks: [{ ...check, ...counts, evidence: [...check.evidence] }] })).toContain(
      "Errors: canary 3 of 1200 bad, primary 20 of 9800 bad; evidence 1.23 of the 20 that roll back; 3.46 times as many would show",
    );
  });

  it("has the default steps of a Canary that names none", () => {
    expect(shown({ phase: "Idle" })).toContain("5% ─ 10% ─ 20% ─ 30% ─ 40% ─ 50% ─ promotion");
  });

  it("says why pods are not ready", () => {
    const target = { ready: 0, all: 1, troubles: ["ImagePullBackOff"] };
    expect(shown({ phase: "Progressing" }, { target })).toContain("0/1 pods ready  ImagePullBackOff");
  });

  it.each([
    [[], ""],
    [[1], ""],
    [[1, 1, 1], "▁▁▁"],
    [[0, 50, 100], "▁▅█"],
  ])("draws %j as %j", (values, line) => {
    expect(sparkline(values)).toBe(line);
  });
});

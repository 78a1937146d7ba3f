import { describe, expect, it } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import { createLog } from "../../src/lib/jsonLog.ts";
import { silentLog, type Log, type LogLevel } from "../../src/lib/log.ts";

function logged(write: (log: Log) => void, level: LogLevel = "debug"): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLog({ level, destination: { write: (line) => void lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a log line", () => {
  it("is one JSON object with an ISO time, the level as a word, the sentence and the fields", () => {
    const [line] = logged((log) => {
      log.info({ canary: "shop/podinfo", weight: 20 }, "weight 20");
    });
    expect(line).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      canary: "shop/podinfo",
      weight: 20,
      msg: "weight 20",
    });
  });

  it("carries the fields of every parent", () => {
    const [line] = logged((log) => {
      log.child({ canary: "a" }).child({ reconcile: 7 }).warn({}, "late");
    });
    expect(line).toMatchObject({ canary: "a", reconcile: 7, level: "warn" });
  });

  it("below the level is not written", () => {
    const levels = logged((log) => {
      log.debug({}, "d");
      log.info({}, "i");
      log.warn({}, "w");
      log.error({}, "e");
    }, "warn").map((line) => line["level"]);
    expect(levels).toEqual(["warn", "error"]);
  });

  it("shows an error with its type, reason and causes", () => {
    const [line] = logged((log) => {
      const cause = new Error("socket hang up");
      log.error({ err: new KubeError({ reason: "Unavailable", message: "no answer", status: 0, cause }) }, "failed");
    });
    expect(line?.["err"]).toMatchObject({
      type: "KubeError",
      message: "no answer",
      reason: "Unavailable",
      stack: expect.stringContaining("log.test.ts") as string,
      cause: { message: "socket hang up" },
    });
  });

  it("survives cycles, big integers, maps and hostile depth", () => {
    const loop: Record<string, unknown> = { big: 1n, map: new Map([["a", 1]]), missing: undefined };
    loop["self"] = loop;
    expect(logged((log) => log.info({ loop }, "odd"))).toHaveLength(1);
  });
});

describe("a credential never reaches the log", () => {
  const secret = "s3cr3t-value-0123456789";
  const cases: [string, (log: Log) => void][] = [
    ["as a field", (log) => log.info({ password: secret }, "x")],
    ["deep inside a field", (log) => log.info({ a: { b: [{ headers: { Authorization: `Custom ${secret}` } }] } }, "x")],
    [
      "under any usual name",
      (log) => log.info({ bearerToken: secret, "x-api-key": secret, "set-cookie": secret }, "x"),
    ],
    ["as an object", (log) => log.info({ credentials: { user: "a", value: secret } }, "x")],
    ["in a kubeconfig", (log) => log.info({ user: { "client-key-data": secret, token: secret } }, "x")],
    ["in a child", (log) => log.child({ token: secret }).info({}, "x")],
    ["in a sentence", (log) => log.info({}, `asked http://me:${secret}@prometheus/api`)],
    ["in an authorization header inside a text", (log) => log.info({ header: `Bearer ${secret}` }, "x")],
    ["in an error", (log) => log.error({ err: new Error(`GET https://me:${secret}@h/ failed`) }, "x")],
    [
      "in the cause of an error",
      (log) => {
        log.error({ err: new Error("failed", { cause: new Error(`Authorization: Basic ${secret}`) }) }, "x");
      },
    ],
  ];
  it.each(cases)("%s", (_where, write) => {
    const [line] = logged(write);
    expect(JSON.stringify(line)).not.toContain(secret);
    expect(JSON.stringify(line)).toContain("[redacted]");
  });

  it("and what only resembles one is kept", () => {
    const [line] = logged((log) => log.info({ secretRef: { name: "prom" }, tokenCount: 3, tokens: 4 }, "x"));
    expect(line).toMatchObject({ secretRef: { name: "prom" }, tokenCount: 3, tokens: 4 });
  });
});

it("the silent log says nothing, nor do its children", () => {
  expect(silentLog.child({ a: 1 })).toBe(silentLog);
  expect(() => silentLog.error({}, "x")).not.toThrow();
});

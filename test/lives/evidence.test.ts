import { describe, expect, it } from "vitest";
import type { Reading } from "../../src/metrics/provider.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, born, conditionOf, good, rulesOf, unreachable, watchLives } from "./lives.ts";
import { withSteps } from "./manifests.ts";

watchLives();

const traffic = (evidence: object) => ({
  traffic: { settle: "2s", drain: "5s", evidence, gatewayAPI: { routeRefs: [{ name: "web" }] } },
});
const byShare = { share: { query: "avg_over_time(share[10s])" } };
const byProbe = { probe: { url: "http://gateway/", header: "x-version", value: "canary" } };
const steps = [
  { weight: 10, hold: "20s" },
  { weight: 50, hold: "20s" },
];

/** A data plane that has each weight `lagMs` after it stands in the route, whatever the route's status says. */
function lagging(life: Life, lagMs: number): () => number {
  const changes: { readonly at: number; readonly weight: number }[] = [{ at: 0, weight: 0 }];
  return () => {
    const weight = life.weights()["web-canary"] ?? 0;
    const since = Date.parse(life.status().rollout?.weightSince ?? "") || 0;
    if (changes.at(-1)?.weight !== weight) changes.push({ at: since, weight });
    return changes.findLast(({ at }) => at + lagMs <= life.clock.now())?.weight ?? 0;
  };
}

interface Metrics {
  readonly share: (life: Life) => () => Reading;
  readonly checks?: () => Reading;
}

/** A life whose Canary asks for evidence, and whose metrics say what the data plane does. */
async function seen(evidence: object, metrics: Metrics, options: LifeOptions = {}): Promise<Life> {
  const life = await adopted({ ...options, spec: { ...withSteps(steps), ...traffic(evidence), ...options.spec } });
  const share = metrics.share(life);
  life.ask = (query) => (query.includes("share") ? share() : (metrics.checks ?? good)());
  await life.release("2");
  return life;
}

const percent = (value: () => number) => (): Reading => ({ kind: "value", value: value() });

/** Seconds from the change of a weight to when it counted as in effect. */
async function waitFor(life: Life, weight: number): Promise<number> {
  await life.until(
    `weight ${weight} in effect`,
    ({ rollout }) => rollout?.weight === weight && rollout.effectiveSince !== undefined,
  );
  const { weightSince = "", effectiveSince = "" } = life.status().rollout ?? {};
  return (Date.parse(effectiveSince) - Date.parse(weightSince)) / 1_000;
}

describe("a weight whose share is looked for in the metrics", () => {
  it("counts from when the data plane has it, not from when the route says so", async () => {
    const life = await seen(byShare, { share: (of) => percent(lagging(of, 23_000)) });
    const [first, second] = [await waitFor(life, 10), await waitFor(life, 50)];
    expect(first).toBeGreaterThanOrEqual(23);
    expect(second).toBeGreaterThanOrEqual(23);
    expect(Math.max(first, second)).toBeLessThanOrEqual(30);
    expect(life.status().rollout).toMatchObject({ effectBy: "Evidence", waitedSeconds: Math.round(first + second) });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.status().history?.[0]?.waitedSeconds).toBeGreaterThanOrEqual(69);
    expect(life.events()).not.toContain("Warning EvidenceMissing");
  });

  it("says meanwhile what is waited for", async () => {
    const life = await seen(byShare, { share: () => percent(() => 3.21) });
    await life.until("the sentence", ({ why }) => why?.message.includes("3.21") === true);
    expect(life.status().why?.message).toBe(
      "waiting for weight 10 to take effect: the canary gets 3.21 % of the requests, not 10 %",
    );
  });

  it("is not asked about before its range lies after the change of the weight", async () => {
    const asked: number[] = [];
    const life = await seen(byShare, {
      share: (of) => () => {
        asked.push(of.clock.now() - Date.parse(of.status().rollout?.weightSince ?? ""));
        return { kind: "value", value: 100 };
      },
    });
    await waitFor(life, 10);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeGreaterThanOrEqual(10_000);
  });

  it.each([
    { what: "a share that stays where it was", share: () => percent(() => 0), says: /gets 0 % of the requests/ },
    { what: "metrics without data", share: () => (): Reading => ({ kind: "empty" }), says: /has no data/ },
    { what: "metrics that do not answer", share: () => unreachable, says: /connection refused/ },
  ])("is believed after the time-out, with a warning: $what", async ({ share, says }) => {
    const life = await seen({ ...byShare, timeout: "30s" }, { share });
    await life.until("the wait", ({ why }) => says.test(why?.message ?? ""));
    expect(await waitFor(life, 10)).toBe(30);
    expect(life.status().rollout?.effectBy).toBe("Settle");
    await life.pass(3_000);
    expect(life.events()).toContain("Warning EvidenceMissing");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("needs no status of the route", async () => {
    const life = await seen(byShare, { share: (of) => percent(lagging(of, 3_000)) }, { gateway: "silent" });
    expect(await waitFor(life, 10)).toBeLessThan(20);
    expect(life.events()).not.toContain("Warning RouteStatusStale");
  });

  it("goes on where it was after a restart of the controller", async () => {
    const life = await seen(byShare, { share: (of) => percent(lagging(of, 23_000)) });
    await life.until("the wait", ({ why }) => why?.message.includes("gets 0 %") === true);
    await life.restart();
    expect(await waitFor(life, 10)).toBeLessThanOrEqual(31);
  });

  it("is refused with the place when its query is wrong", async () => {
    const life = await born({ spec: traffic({ share: { query: "sum(rate(" } }) });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "InvalidQuery" });
    expect(conditionOf(life, "Stalled")?.message).toMatch(
      /^evidence: line 1.*correct spec\.traffic\.evidence\.share\.query$/,
    );
  });
});

describe("the primary", () => {
  it("does not change before 100 % is shown", async () => {
    let stuck = true;
    const life = await seen(
      { ...byShare, timeout: "10m" },
      {
        share: (of) => percent(() => (stuck ? Math.min(60, of.weights()["web-canary"] ?? 0) : 100)),
      },
    );
    await life.until("100 %", ({ weight }) => weight === 100);
    await life.pass(60_000);
    expect(life.status().why?.message).toContain("gets 60 % of the requests, not 100 %");
    expect(rulesOf(life)).not.toContain("updatePrimary");
    stuck = false;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("a rollback", () => {
  it("waits for no evidence", async () => {
    const life = await seen(byShare, { share: () => percent(() => 100), checks: bad });
    await life.until("the verdict", ({ phase }) => phase === "RollingBack");
    const since = life.clock.now();
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.clock.now() - since).toBeLessThanOrEqual(8_000);
  });

  it("does not wait for the evidence of a weight that was just given", async () => {
    const life = await seen({ ...byShare, timeout: "10m" }, { share: () => percent(() => 0) });
    await life.until("the wait", ({ why }) => why?.message.includes("gets 0 %") === true);
    const since = life.clock.now();
    await life.act("Abort");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.clock.now() - since).toBeLessThanOrEqual(8_000);
  });
});

describe("a weight that probes look for", () => {
  it("counts when they meet the canary, and 100 % when they meet nobody else", async () => {
    const life = await adopted({ spec: { ...withSteps(steps), ...traffic({ ...byProbe, timeout: "10m" }) } });
    const share = lagging(life, 15_000);
    life.probe = () => ({ sent: 10, hits: Math.ceil(share() / 10), answered: 10 });
    await life.release("2");
    expect(await waitFor(life, 10)).toBeGreaterThanOrEqual(15);
    expect(await waitFor(life, 100)).toBeGreaterThanOrEqual(15);
    expect(life.status().rollout?.effectBy).toBe("Evidence");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("is believed after the time-out when nobody answers", async () => {
    const life = await adopted({ spec: { ...withSteps(steps), ...traffic({ ...byProbe, timeout: "30s" }) } });
    await life.release("2");
    await life.until("the wait", ({ why }) => /0 of 10 probes met the canary, 0 were/.test(why?.message ?? ""));
    expect(await waitFor(life, 10)).toBe(30);
    await life.pass(3_000);
    expect(life.events()).toContain("Warning EvidenceMissing");
  });
});

import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { HTTPRoute } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, bad, conditionOf, outcomes, watchLives } from "./lives.ts";
import { aDeployment, apexService } from "./manifests.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

async function sticky(steps: readonly object[], rules: readonly object[] = [{}]): Promise<Life> {
  return adopted({
    spec: {
      strategy: { canary: { steps, sessionAffinity: {} } },
      traffic: { settle: "2s", drain: "5s", gatewayAPI: { route: { parentRefs: [{ name: "gateway" }], rules } } },
    },
    workload: async (kube) => {
      await kube.create(kinds.deployment, aDeployment(3));
      await kube.create(kinds.service, apexService);
    },
  });
}

/** `c-x web-canary=100`, one line for each rule. */
async function rulesOf(life: Life): Promise<readonly string[]> {
  const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
  const revision = life.status().rollout?.revision ?? "none";
  return (route?.spec.rules ?? []).map(({ matches = [], backendRefs = [] }) => {
    const header = (matches[0] as { headers?: { value: string }[] }).headers?.[0]?.value ?? "";
    const cookie = /aviary=([^()]+)/.exec(header)?.[1]?.replaceAll("\\", "").replace(revision, "x") ?? "all";
    return [cookie, ...backendRefs.map(({ name, weight }) => `${name}=${weight}`)].join(" ");
  });
}

const steps = [
  { weight: 20, hold: "30s" },
  { weight: 50, hold: "30s" },
];

describe("session affinity", () => {
  it("keeps the canary's users, draws the primary's anew at each weight, and ends with the steps", async () => {
    const life = await sticky(steps);
    expect(await rulesOf(life)).toEqual(["all web-primary=100 web-canary=0"]);
    await life.release("2");
    await life.until("20 %", ({ rollout }) => rollout?.weight === 20 && rollout.effectiveSince !== undefined);
    expect(await rulesOf(life)).toEqual([
      "c-x web-canary=100",
      "p-x-20 web-primary=100",
      "all web-primary=80 web-canary=20",
    ]);
    await life.until("50 %", ({ rollout }) => rollout?.weight === 50 && rollout.effectiveSince !== undefined);
    expect(await rulesOf(life)).toEqual([
      "c-x web-canary=100",
      "p-x-50 web-primary=100",
      // 0.8 of all users at (50 - 20) / (100 - 20) are the 30 % that are missing.
      "p-x-20 web-primary=625 web-canary=375",
      "all web-primary=50 web-canary=50",
    ]);
    await life.until("everything", () => life.weights()["web-canary"] === 100);
    expect(await rulesOf(life)).toEqual(["all web-primary=0 web-canary=100"]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await rulesOf(life)).toEqual(["all web-primary=100 web-canary=0"]);
  });

  it("gives way to a roll back: everybody is on the primary, cookie or not", async () => {
    const life = await sticky(steps);
    await life.release("2");
    await life.until("20 %", ({ rollout }) => rollout?.weight === 20 && rollout.effectiveSince !== undefined);
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "RollingBack");
    expect(await rulesOf(life)).toEqual(["all web-primary=100 web-canary=0"]);
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("goes on where it was when the controller is killed, and when somebody edits the route", async () => {
    const life = await sticky(steps);
    await life.release("2");
    await life.until("20 %", ({ rollout }) => rollout?.weight === 20 && rollout.effectiveSince !== undefined);
    const before = await rulesOf(life);
    await life.restart();
    await life.pass(1_000);
    expect(await rulesOf(life)).toEqual(before);
    const known = life.outages.length;
    const backendRefs = [{ group: "", kind: "Service", name: "web-primary", port: 80 }];
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules: [{ backendRefs }] } });
    await life.pass(1_000);
    life.outages.length = known;
    expect(await rulesOf(life)).toEqual(before);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("that needs more rules than a route can have is refused with the numbers", async () => {
    const many = [5, 10, 20, 30, 40, 50].map((weight) => ({ weight, hold: "30s" }));
    const life = await sticky(steps);
    const rules = ["/a", "/b", "/c"].map((value) => ({ matches: [{ path: { type: "PathPrefix", value } }] }));
    await life.patchCanary({
      strategy: { canary: { steps: many, sessionAffinity: {} } },
      traffic: { gatewayAPI: { route: { parentRefs: [{ name: "gateway" }], rules } } },
    });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")?.message).toContain("needs 24 rules for 3 of traffic.gatewayAPI.route");
  });
});

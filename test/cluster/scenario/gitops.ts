import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { waitFor } from "../harness/polling.ts";
import { deployment } from "../harness/workloads.ts";
import type { KubeObject } from "../harness/cluster.ts";
import type { Bench } from "../scenario.ts";
import { weightHistory } from "./invariants.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import { apexService, imageOf, route, type Shop, stepsOf, weightsOf } from "./shop.ts";

/** Applies manifests every so many milliseconds until it is stopped; stopping tells how often it was done. */
function repeatedly(everyMs: number, apply: () => Promise<unknown>): { stop(): Promise<number> } {
  const ending = new AbortController();
  const running = (async () => {
    for (let count = 0; ; count++) {
      await apply();
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
      if (ending.signal.aborted) return count + 1;
    }
  })();
  return {
    stop: () => {
      ending.abort();
      return running;
    },
  };
}

/** As Flux and Argo CD do it. */
const byForce = (bench: Bench, object: KubeObject) => () =>
  bench.cluster.apply(object, { fieldManager: "kustomize-controller", force: true });

/** As people do it. */
const clientSide =
  (bench: Bench, ...objects: KubeObject[]) =>
  () =>
    bench.kubectl(["apply", "-f", "-"], { stdin: objects.map((object) => JSON.stringify(object)).join("\n---\n") });

const target = (shop: Shop, tag: string): KubeObject =>
  deployment({ name: "web", namespace: shop.namespace, replicas: 3, image: imageOf(tag) });

const LONG_STEPS = stepsOf({ weight: 20, hold: "4s" }, { weight: 50, hold: "4s" });

/** Milliseconds for which the route said less than the weight that Aviary wanted, each time that somebody put it back. */
function gaps(bench: Bench, { namespace }: Shop): number[] {
  const routes = bench.journal.of(namespace).filter(({ object }) => object.kind === "HTTPRoute");
  return routes.flatMap(({ object, at }, index) => {
    const before = routes[index - 1];
    const after = routes.slice(index + 1).find((later) => weightsOf(later.object)["web-canary"] === 20);
    const reverted = before !== undefined && weightsOf(before.object)["web-canary"] === 20;
    return reverted && weightsOf(object)["web-canary"] === 0 && after !== undefined ? [after.at - at] : [];
  });
}

export function contention(bench: () => Bench): void {
  test("a route that is applied again is put back, then the rollout pauses and says who", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "20s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    const loop = repeatedly(1_500, byForce(bench(), route(shop.namespace)));
    const { conditions } = await shop.until("the pause", ({ phase }) => phase === "Paused");
    const put = gaps(bench(), shop);
    console.log(`re-assertion: ${put.join(", ")} ms`);
    expect(put.length).toBeGreaterThanOrEqual(2);
    expect(conditions?.find(({ type }) => type === "Reconciling")).toMatchObject({
      reason: "Contended",
      message: expect.stringContaining("kustomize-controller keeps changing the weights of HTTPRoute web") as string,
    });
    await loop.stop();
    await bench().kubectl(["create", "-f", "-"], {
      stdin: JSON.stringify({
        apiVersion: "aviary.dev/v1beta1",
        kind: "CanaryAction",
        metadata: { generateName: "resume-", namespace: shop.namespace },
        spec: { canaryRef: { name: "web" }, action: "Resume" },
      }),
    });
    await shop.until("the next step", ({ phase, weight }) => phase === "Progressing" && weight === 20);
    expectUnharmed(bench(), shop);
  });

  test.each([
    ["server-side", byForce],
    ["client-side", clientSide],
  ] as const)(
    "a Deployment with spec.replicas that is applied in a loop, %s, is released once",
    async (_how, apply) => {
      const shop = await adopted(bench(), { spec: LONG_STEPS });
      await apply(bench(), target(shop, "2"))();
      const loop = repeatedly(1_500, apply(bench(), target(shop, "2")));
      await shop.outcome("Succeeded");
      await waitFor("its idle pods to be left alone", shop.status, {
        until: ({ why }) => why?.message.includes("keeps changing spec.replicas of Deployment web") === true,
      });
      await sleep(4_000);
      const times = await loop.stop();
      const { history, phase, promoted } = shop.status();
      console.log(`applied ${times} times`);
      expect({ phase, outcomes: history?.map(({ outcome }) => outcome), images: promoted?.images }).toEqual({
        phase: "Succeeded",
        outcomes: ["Succeeded"],
        images: [imageOf("2")],
      });
      expect(shop.deployment("web")?.spec.replicas).toBe(3);
      expect(shop.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
      expectUnharmed(bench(), shop);
    },
  );

  test("an apex Service that is applied in a loop is never without the primary's pods", async () => {
    const shop = await adopted(bench());
    const loop = repeatedly(500, byForce(bench(), apexService(shop.namespace)));
    await sleep(6_000);
    await loop.stop();
    await waitFor("the selector", () => shop.status().contention?.some(({ field }) => field === "ApexSelector"));
    expectUnharmed(bench(), shop);
  });

  test("another spec.traffic in a rollout leaves no weight on the route before", async () => {
    const shop = await adopted(bench(), { spec: LONG_STEPS });
    const { namespace } = shop;
    await bench().cluster.apply({ ...route(namespace), metadata: { name: "other", namespace } });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    await shop.patchSpec({ traffic: { gatewayAPI: { routeRefs: [{ name: "other" }] } } });
    await shop.outcome("Succeeded");
    await shop.until("the other route", ({ traffic }) => JSON.stringify(traffic).includes("other"));
    const web = bench().journal.latest<KubeObject>("HTTPRoute", { namespace, name: "web" });
    expect(weightsOf(web)).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(web?.metadata.annotations?.["aviary.dev/weights"]).toBeUndefined();
    expectUnharmed(bench(), shop);
  });
}

/** Installs deploy/gitops and waits until it is in force. */
export async function installPolicy(bench: Bench): Promise<void> {
  const namespace = await bench.cluster.namespace("probe");
  const held = route(namespace);
  const annotations = { "aviary.dev/weights": "web-primary=90,web-canary=10" };
  await bench.cluster.apply({ ...held, metadata: { ...held.metadata, annotations } });
  await bench.kubectl(["apply", "-k", "deploy/gitops"]);
  await waitFor("the policy to be in force", async () => {
    const [answer] = await bench.cluster.apply(held, { fieldManager: "probe", dryRun: true });
    return weightsOf(answer)["web-canary"] === 10;
  });
}

export function heldWeights(bench: () => Bench): void {
  test("with deploy/gitops a route that is applied every second, in whatever way, never shows other weights", async () => {
    const shop = await adopted(bench(), { spec: LONG_STEPS });
    const loops = [
      repeatedly(1_000, byForce(bench(), route(shop.namespace))),
      repeatedly(2_000, clientSide(bench(), route(shop.namespace))),
    ];
    await shop.release("2");
    await shop.outcome("Succeeded");
    const times = await Promise.all(loops.map((loop) => loop.stop()));
    console.log(`applied ${times.join(" + ")} times`);
    expect(weightHistory(bench().journal.of(shop.namespace))).toEqual([0, 20, 50, 100, 0]);
    expect(shop.status().contention).toBeUndefined();
    expectUnharmed(bench(), shop);
  });

  test("with deploy/gitops everything else in a route goes through, and a person sees no difference", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "60s" }) });
    const { namespace } = shop;
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    const git = route(namespace);
    const diff = ["diff", "--server-side", "--force-conflicts", "-f", "-"];
    expect(await bench().kubectl(diff, { stdin: JSON.stringify(git) })).toBe("");
    const spec = git["spec"] as { rules: readonly object[] };
    const rules = [
      { matches: [{ path: { type: "PathPrefix", value: "/new" } }], ...spec.rules[0] },
      {
        backendRefs: [{ name: "web-canary", port: 80, weight: 0 }],
        matches: [{ headers: [{ name: "a", value: "b" }] }],
      },
      ...spec.rules,
    ];
    await byForce(bench(), { ...git, spec: { ...spec, hostnames: ["new.test"], rules } })();
    const stored = bench().cluster.get<{
      spec: { hostnames: string[]; rules: { backendRefs: { weight: number }[] }[] };
    }>({ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", name: "web", namespace });
    const { hostnames, rules: held } = (await stored)?.spec ?? { hostnames: [], rules: [] };
    expect(hostnames).toEqual(["new.test"]);
    expect(held.map(({ backendRefs }) => backendRefs.map(({ weight }) => weight))).toEqual([[80, 20], [0], [80, 20]]);
  });
}

export function leavings(bench: () => Bench): void {
  test("what is deleted all at once never leaves users without pods", async () => {
    const shop = await adopted(bench());
    const { namespace } = shop;
    const all = ["deployment/web", "service/web", "httproute/web", "canary/web"];
    await bench().kubectl(["delete", "-n", namespace, ...all, "--timeout=60s"]);
    await shop.gone();
    expect(shop.deployment("web-primary")?.status?.availableReplicas).toBe(3);
  });

  test("an application whose Canary goes first, and whose target right after it, ends as well", async () => {
    const shop = await adopted(bench());
    const { namespace } = shop;
    await bench().kubectl(["delete", "-n", namespace, "canary/web", "--wait=false"]);
    await bench().kubectl(["delete", "-n", namespace, "deployment/web", "--timeout=60s"]);
    await shop.gone();
    expect(shop.deployment("web-primary")?.status?.availableReplicas).toBe(3);
  });
}

/** The last of all: it takes Aviary away. */
export function uninstall(bench: () => Bench, stopController: () => Promise<unknown>): void {
  test("Aviary that is uninstalled before its Canaries leaves users served, and hands back when it is there again", async () => {
    const shop = await adopted(bench());
    const { namespace } = shop;
    await stopController();
    await bench().kubectl(["delete", "-k", "deploy", "--wait=false"]);
    await waitFor("the Canary to be going", async () => {
      const ref = { apiVersion: "aviary.dev/v1beta1", kind: "Canary", name: "web", namespace };
      const canary = await bench().cluster.get<KubeObject & { metadata: { deletionTimestamp?: string } }>(ref);
      return canary?.metadata.deletionTimestamp !== undefined;
    });
    await waitFor("the install to be gone", async () => {
      return (await bench().cluster.get({ apiVersion: "v1", kind: "Namespace", name: "aviary" })) === undefined;
    });
    expect(shop.deployment("web-primary")?.status?.availableReplicas).toBe(3);
    expectUnharmed(bench(), shop);
    await bench().kubectl(["apply", "-k", "deploy"]);
    const kubeconfig = await bench().controlPlane.kubeconfigFor({ namespace: "aviary", name: "aviary" });
    const again = bench().launch({ kubeconfig });
    await bench().kubectl(["wait", "--for=delete", `canary/web`, "-n", namespace, "--timeout=90s"]);
    await waitFor("the definition to be gone", async () => {
      const list = await bench().kubectl(["get", "crd", "-o", "name"]);
      return !list.includes("canaries.aviary.dev");
    });
    expect(shop.deployment("web")?.status?.availableReplicas).toBe(3);
    await again.process.stop();
  });
}

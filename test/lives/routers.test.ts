import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { HTTPRoute } from "../../src/kube/objects.ts";
import type { Kube } from "../../src/kube/port.ts";
import { NAMESPACE } from "./life.ts";
import type { LifeOptions } from "./life.ts";
import { adopted, bad, outcomes, watchLives } from "./lives.ts";
import { aDeployment, anIngress, apexService, aRoute, backend } from "./manifests.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };
const times = { settle: "2s", drain: "5s" };

interface Plane {
  readonly name: string;
  readonly options: LifeOptions;
  /** Weights at rest. */
  readonly rest: object;
}

function withObjects(...create: ((kube: Kube) => Promise<unknown>)[]): NonNullable<LifeOptions["workload"]> {
  return async (kube) => {
    await kube.create(kinds.deployment, aDeployment(3));
    await kube.create(kinds.service, apexService);
    for (const make of create) await make(kube);
  };
}

const planes: readonly Plane[] = [
  {
    name: "a route that Aviary makes",
    options: {
      spec: { traffic: { ...times, gatewayAPI: { route: { parentRefs: [{ name: "gateway" }] } } } },
      workload: withObjects(),
    },
    rest: { "web-primary": 100, "web-canary": 0 },
  },
  {
    name: "addBackends",
    options: {
      spec: { traffic: { ...times, gatewayAPI: { routeRefs: [{ name: "web", addBackends: true }] } } },
      workload: withObjects((kube) => kube.create(kinds.httpRoute, aRoute([backend("web", 100)]))),
    },
    rest: { web: 100, "web-canary": 0 },
  },
  {
    name: "the annotations of ingress-nginx",
    options: {
      spec: { traffic: { ...times, nginx: { ingressRefs: [{ name: "web" }] } } },
      workload: withObjects((kube) => kube.create(kinds.ingress, anIngress)),
    },
    rest: { web: 100, "web-canary": 0 },
  },
];

describe.each(planes)("over $name", ({ options, rest }) => {
  it("a good release is promoted and a bad one rolled back, and deletion hands back", async () => {
    const life = await adopted(options);
    expect(life.weights()).toEqual(rest);
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    life.ask = bad;
    await life.release("3");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.weights()).toEqual(rest);
    expect(outcomes(life)).toEqual(["example/web:3 Failed", "example/web:2 Succeeded"]);
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists());
    expect(life.deployment("web-primary")).toBeUndefined();
    expect(life.deployment("web")?.spec.template.spec.containers[0]?.image).toBe("example/web:2");
    const backends = Object.entries(life.weights()).filter(([, weight]) => weight > 0);
    expect(backends.map(([name]) => name)).toEqual(["web"]);
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    expect(route?.metadata.annotations?.["aviary.dev/weights"]).toBeUndefined();
  });
});

describe("the weights of a route that had none", () => {
  const bare = (name: string, more: object = {}) => ({ group: "", kind: "Service", name, port: 80, ...more });

  it.each<readonly [string, readonly object[], object]>([
    ["with the pair", [bare("web-primary"), bare("web-canary", { weight: 0 })], {}],
    ["with one backend", [bare("web")], { addBackends: true }],
    ["beside others", [bare("web", { weight: 3 }), bare("other", { weight: 2 })], { addBackends: true }],
  ])("are handed back as they were: %s", async (_what, refs, more) => {
    const life = await adopted({
      spec: { traffic: { ...times, gatewayAPI: { routeRefs: [{ name: "web", ...more }] } } },
      workload: withObjects((kube) => kube.create(kinds.httpRoute, aRoute(refs))),
    });
    const found = life.status().adopted?.weights?.[0];
    expect(found).toMatchObject({ route: "HTTPRoute shop/web", rule: 0 });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const written = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    expect(written?.spec.rules?.[0]?.backendRefs?.map(({ weight }) => weight)).not.toEqual(found?.weights);
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists());
    const released = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    const weights = released?.spec.rules?.[0]?.backendRefs?.map(({ weight }) => weight ?? -1);
    expect(weights).toEqual(found?.weights);
    expect(released?.spec.rules?.[0]?.backendRefs).toHaveLength(refs.length);
    // The watchman takes weights for percent: beside others, all of the pair's share is 300 here.
    life.breaches.splice(0, refs.length > 1 && "addBackends" in more ? 1 : 0);
    expect(life.errors).toEqual([]);
  });
});

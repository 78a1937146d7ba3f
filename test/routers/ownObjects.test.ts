import { describe, expect, it } from "vitest";
import type { GatewayRoute, Ingress } from "../../src/kube/objects.ts";
import { routers } from "../../src/routers/index.ts";
import { applyWrites, type Objects, objectsOf } from "./cluster.ts";
import { backends, ingress, ref } from "./samples.ts";

const ROUTE = "HTTPRoute/shop/podinfo";
const INGRESS = "Ingress/shop/shop-podinfo-canary";

function steering(name: string, written: unknown, start: Objects) {
  const router = routers.find((entry) => entry.name === name);
  if (router === undefined) throw new Error(`no router ${name}`);
  const block = router.schema.parse(written);
  const input = (objects: Objects) => ({ block, backends, objects });
  return {
    start,
    view: (objects: Objects) => router.read(input(objects)),
    shift: (objects: Objects, weight: number) => applyWrites(objects, router.plan(input(objects), { weight })),
  };
}

const parentRefs = [{ name: "gateway" }];
const withTimeout = steering(
  "gatewayAPI",
  { route: { parentRefs, rules: [{ timeouts: { request: "5s" } }] } },
  objectsOf([]),
);
const withoutTimeout = steering("gatewayAPI", { route: { parentRefs, rules: [{}] } }, objectsOf([]));
const byIngress = steering("nginx", { ingressRefs: [{ name: "shop" }] }, objectsOf([ingress]));

function editRoute(objects: Objects, edit: (route: GatewayRoute) => GatewayRoute): Objects {
  return new Map(objects).set(ROUTE, edit(objects.get(ROUTE) as GatewayRoute));
}

describe("an object that Aviary owns", () => {
  it("loses a field that the user takes out of the Canary", () => {
    const before = withTimeout.shift(withTimeout.start, 20);
    expect(JSON.stringify(before.get(ROUTE))).toContain("timeouts");
    expect(withoutTimeout.view(before).uniform).toBe(false);
    const after = withoutTimeout.shift(before, 20);
    expect(JSON.stringify(after.get(ROUTE))).not.toContain("timeouts");
    expect(withoutTimeout.view(after)).toMatchObject({ weight: 20, uniform: true });
  });

  it("is put back when somebody adds a rule or a backend to it", () => {
    const right = withTimeout.shift(withTimeout.start, 20);
    const stray = { backendRefs: [ref("stray", 50)] };
    const edits: ((route: GatewayRoute) => GatewayRoute)[] = [
      (route) => ({ ...route, spec: { ...route.spec, rules: [...(route.spec.rules ?? []), stray] } }),
      (route) => {
        const rules = route.spec.rules?.map((rule) => ({
          ...rule,
          backendRefs: [...(rule.backendRefs ?? []), ref("stray", 50)],
        }));
        return { ...route, spec: { ...route.spec, ...(rules === undefined ? {} : { rules }) } };
      },
    ];
    for (const edit of edits) {
      const edited = editRoute(right, edit);
      expect(withTimeout.view(edited).uniform).toBe(false);
      expect(withTimeout.shift(edited, 20).get(ROUTE)).toMatchObject({ spec: specOf(right) });
    }
  });

  it("has its weight put back when somebody changes it", () => {
    const right = byIngress.shift(byIngress.start, 20);
    const canary = right.get(INGRESS) as Ingress;
    const annotations = { ...canary.metadata.annotations, "nginx.ingress.kubernetes.io/canary-weight": "90" };
    const edited = new Map(right).set(INGRESS, { ...canary, metadata: { ...canary.metadata, annotations } });
    expect(byIngress.view(edited)).toMatchObject({ weight: 90, uniform: false });
    expect(byIngress.view(byIngress.shift(edited, 20))).toMatchObject({ weight: 20, uniform: true });
  });

  it.each(["", "x", "-5", "1e9"])("counts the weight %j as the ingress controller does, within 0 and 100", (text) => {
    const right = byIngress.shift(byIngress.start, 20);
    const canary = right.get(INGRESS) as Ingress;
    const annotations = { ...canary.metadata.annotations, "nginx.ingress.kubernetes.io/canary-weight": text };
    const edited = new Map(right).set(INGRESS, { ...canary, metadata: { ...canary.metadata, annotations } });
    const { weight } = byIngress.view(edited);
    expect(weight).toBeGreaterThanOrEqual(0);
    expect(weight).toBeLessThanOrEqual(100);
  });

  it("follows the paths of the Ingress that it goes with", () => {
    const right = byIngress.shift(byIngress.start, 20);
    const path = { path: "/v2", pathType: "Prefix", backend: { service: { name: "podinfo", port: { number: 80 } } } };
    const wider = { ...ingress, spec: { ...ingress.spec, rules: [{ host: "v2.test", http: { paths: [path] } }] } };
    const changed = new Map(right).set("Ingress/shop/shop", wider);
    expect(byIngress.view(changed).uniform).toBe(false);
    const after = byIngress.shift(changed, 20).get(INGRESS) as Ingress;
    expect(after.spec.rules?.map(({ host }) => host)).toEqual(["v2.test"]);
  });
});

function specOf(objects: Objects): GatewayRoute["spec"] {
  return (objects.get(ROUTE) as GatewayRoute).spec;
}

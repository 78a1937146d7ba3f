import { expect, test } from "vitest";
import type { KubeObject } from "../harness/cluster.ts";
import type { Bench } from "../scenario.ts";
import { deleteCanary } from "./endings.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import { type Shop, weightsOf } from "./shop.ts";

const times = { settle: "200ms", drain: "1s" };
const MARK = "aviary.dev/weights";
const WEIGHT = "nginx.ingress.kubernetes.io/canary-weight";

function grpcRoute(namespace: string): KubeObject {
  const backendRefs = [
    { name: "web-primary", port: 80 },
    { name: "web-canary", port: 80, weight: 0 },
  ];
  const spec = { parentRefs: [{ name: "gateway" }], hostnames: ["grpc.test"], rules: [{ backendRefs }] };
  return { apiVersion: "gateway.networking.k8s.io/v1", kind: "GRPCRoute", metadata: { name: "web", namespace }, spec };
}

function ingress(namespace: string): KubeObject {
  const backend = { service: { name: "web", port: { number: 80 } } };
  const rules = [{ host: "nginx.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];
  const metadata = { name: "web", namespace };
  return { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata, spec: { ingressClassName: "nginx", rules } };
}

/** What the canary was given, one weight after the other, by the versions of one object. */
function history(
  bench: Bench,
  { namespace }: Shop,
  { kind, name, weight }: { kind: string; name: string; weight: (object: KubeObject) => number | undefined },
): number[] {
  const seen: number[] = [];
  for (const { object, deleted } of bench.journal.of(namespace)) {
    if (deleted || object.kind !== kind || object.metadata.name !== name) continue;
    const given = weight(object);
    if (given !== undefined && seen.at(-1) !== given) seen.push(given);
  }
  return seen;
}

export function dataPlanes(bench: () => Bench): void {
  test("over a GRPCRoute a release is promoted, and the route is handed back as it was", async () => {
    const traffic = { ...times, gatewayAPI: { routeRefs: [{ kind: "GRPCRoute", name: "web" }] } };
    const shop = await adopted(bench(), { spec: { traffic }, beside: (namespace) => [grpcRoute(namespace)] });
    const route = () => bench().journal.latest("GRPCRoute", { namespace: shop.namespace, name: "web" });
    const before = (route() as { spec?: unknown } | undefined)?.spec;
    await shop.release("2");
    await shop.outcome("Succeeded");
    const weight = (object: KubeObject) => weightsOf(object)["web-canary"];
    expect(history(bench(), shop, { kind: "GRPCRoute", name: "web", weight })).toEqual([0, 20, 50, 100, 0]);
    await deleteCanary(bench(), shop);
    await shop.gone();
    expect((route() as { spec?: unknown } | undefined)?.spec).toEqual(before);
    expect(route()?.metadata.annotations?.[MARK]).toBeUndefined();
    expectUnharmed(bench(), shop);
  });

  test("over an Ingress of ingress-nginx a release is promoted by a second one, which goes at the end", async () => {
    const traffic = { ...times, nginx: { ingressRefs: [{ name: "web" }] } };
    const shop = await adopted(bench(), { spec: { traffic }, beside: (namespace) => [ingress(namespace)] });
    const own = () => bench().journal.latest<KubeObject>("Ingress", { namespace: shop.namespace, name: "web" });
    const before = own()?.metadata["resourceVersion"];
    await shop.release("2");
    await shop.outcome("Succeeded");
    const weight = ({ metadata }: KubeObject) => Number(metadata.annotations?.[WEIGHT] ?? 0);
    const given = history(bench(), shop, { kind: "Ingress", name: "web-canary", weight });
    expect(given.filter((one) => one > 0)).toEqual([20, 50, 100]);
    await deleteCanary(bench(), shop);
    await shop.gone();
    const beside = { namespace: shop.namespace, name: "web-canary" };
    expect(bench().journal.latest("Ingress", beside)).toBeUndefined();
    expect(own()?.metadata["resourceVersion"]).toBe(before);
    expectUnharmed(bench(), shop);
  });
}

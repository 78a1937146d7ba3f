import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../cluster/harness/polling.ts";
import { type Pod, readyStatus, waitForPod, waitingReason } from "../cluster/harness/workloads.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";

// The rig itself: what the scenarios rely on.

let rig: Rig;
let shop: Shop;

beforeAll(async () => {
  const begin = performance.now();
  rig = await startRig();
  console.log(`the rig started in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  shop = await openShop(rig, { replicas: 2 });
});

afterAll(() => rig?.stop());

describe("pods", () => {
  let namespace: string;

  async function start(pod: PodOptions): Promise<string> {
    namespace = await rig.cluster.namespace();
    await rig.cluster.create(podOf(namespace, pod));
    return namespace;
  }

  const see = (until: (pod: Pod) => boolean): Promise<Pod> => waitForPod(rig.cluster, namespace, until);
  const remove = (): Promise<void> => rig.cluster.delete({ apiVersion: "v1", kind: "Pod", namespace, name: "pod" });

  afterEach(() => remove());

  test.each([
    { what: "an image that is missing", pod: { image: "registry.test/missing:1" }, reason: "ImagePullBackOff" },
    { what: "a program that fails", pod: { env: { CRASH: "error" } }, reason: "CrashLoopBackOff", last: "Error" },
    { what: "a program out of memory", pod: { env: { CRASH: "oom" } }, reason: "CrashLoopBackOff", last: "OOMKilled" },
    { what: "a missing ConfigMap", pod: { configMap: "absent" }, reason: "CreateContainerConfigError" },
  ])("$what waits in $reason", async ({ pod, reason, last }) => {
    await start(pod);
    const seen = await see((one) => waitingReason(one) === reason);
    expect(readyStatus(seen)).toBe("False");
    expect(seen.status?.containerStatuses?.[0]?.lastState?.terminated?.reason).toBe(last);
  });

  test("a slow one is not ready before its time, and one that never gets ready runs", async () => {
    await start({ env: { START_DELAY_MS: "1500" } });
    const running = await see((one) => one.status?.phase === "Running");
    expect(readyStatus(running)).toBe("False");
    await see((one) => readyStatus(one) === "True");
    await remove();
    await start({ env: { READY: "false" } });
    expect(readyStatus(await see((one) => one.status?.phase === "Running"))).toBe("False");
  });

  test("a pod has the variables of its spec and of its ConfigMap", async () => {
    const name = "settings";
    namespace = await rig.cluster.namespace();
    await rig.cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace },
      data: { VERSION: "7" },
    });
    await rig.cluster.create(podOf(namespace, { configMap: name }));
    await see((one) => readyStatus(one) === "True");
    const run = rig.kubelet.running().find(({ pod }) => pod.metadata.namespace === namespace);
    const answer = await fetch(`http://${run?.address}:8080/`);
    expect(answer.headers.get("x-version")).toBe("7");
  });

  test("a deleted one sleeps its preStop, is asked to end, and is gone then", async () => {
    await start({ preStopSeconds: 2 });
    await see((one) => readyStatus(one) === "True");
    const begin = performance.now();
    await remove();
    const gone = async (): Promise<boolean> =>
      (await rig.cluster.list({ apiVersion: "v1", kind: "Pod", namespace })).length === 0;
    await waitFor("the pod to be gone", gone);
    expect(performance.now() - begin).toBeGreaterThan(2000);
  });
});

describe("traffic", () => {
  test("each connection is tried, each answer is counted by version and status", async () => {
    const load = await rig.loadGateway({ name: "mixed", rps: 200, maxRequests: 400 });
    await waitFor("all answers", () => load.counts().answered, { until: (answered) => answered === 400 });
    expect(await load.stop()).toMatchObject({
      sent: 400,
      failed: 0,
      byVersion: { "1": 400 },
      byStatus: { "200": 400 },
    });
  });

  test("a request that nobody answers is counted as failed, with its time and its cause", async () => {
    const begin = Date.now();
    const load = await rig.loadGateway({ name: "lost", host: "nobody.example.com", rps: 100, maxRequests: 10 });
    await waitFor("all answers", () => load.counts().answered, { until: (answered) => answered === 10 });
    expect((await load.stop()).failed).toBe(10);
    expect(load.failures()[0]?.kind).toBe("404");
    expect(load.failures()[0]?.at).toBeGreaterThanOrEqual(begin);
  });

  test("a weight is in effect so much later as the gateway lags, though the route says that it is accepted", async () => {
    const route = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", ...shopRef(), name: "web" };
    const load = await rig.loadGateway({ name: "lag", rps: 100 });
    rig.gateway.setLag({ routesMs: 2000, endpointsMs: 0 });
    const header = {
      type: "ResponseHeaderModifier",
      responseHeaderModifier: { set: [{ name: "x-version", value: "lag" }] },
    };
    const begin = performance.now();
    await rig.cluster.patch(route, [{ op: "add", path: "/spec/rules/0/filters", value: [header] }], { type: "json" });
    await waitFor("the status", () => rig.cluster.get<RouteStatus>(route), { until: isUpToDate });
    expect(load.counts().byVersion["lag"]).toBeUndefined();
    await waitFor("the effect", () => load.counts().byVersion["lag"]);
    expect(performance.now() - begin).toBeGreaterThan(1900);
    rig.gateway.setLag({ routesMs: 0, endpointsMs: 0 });
    await rig.cluster.patch(route, [{ op: "remove", path: "/spec/rules/0/filters" }], { type: "json" });
    expect((await load.stop()).failed).toBe(0);
  });

  test("a new pod gets its first request so much later as the gateway's endpoints lag", async () => {
    rig.gateway.setLag({ routesMs: 0, endpointsMs: 2000 });
    const load = await rig.loadGateway({ name: "endpoint-lag", rps: 100, maxSeconds: 60 });
    const service = { apiVersion: "v1", kind: "Service", ...shopRef(), name: "web" };
    await rig.cluster.create({ ...podOf(shop.namespace, { env: { VERSION: "new" }, labels: { app: "new" } }) });
    await waitForPod(rig.cluster, shop.namespace, (pod) => pod.metadata.name === "pod" && readyStatus(pod) === "True");
    await rig.cluster.patch(service, { spec: { selector: { app: "new" } } });
    const begin = performance.now();
    await waitFor("its first answer", () => load.counts().byVersion["new"]);
    expect(performance.now() - begin).toBeGreaterThan(1800);
    await rig.cluster.patch(service, { spec: { selector: { app: "web" } } });
    rig.gateway.setLag({ routesMs: 0, endpointsMs: 0 });
    expect((await load.stop()).failed).toBe(0);
  });
});

describe("metrics", () => {
  test("Prometheus knows the gateway's requests by Service, and the pods", async () => {
    const query = `sum(envoy_cluster_upstream_rq{envoy_cluster_name="${shop.namespace}_web_80"})`;
    await waitFor("the gateway's metrics", () => rig.prometheus.query(query));
    await waitFor("the pods' metrics", () =>
      rig.prometheus.query(`sum(http_requests_total{namespace="${shop.namespace}"})`),
    );
  });

  test("Prometheus comes back on its address with what it knew", async () => {
    await rig.prometheus.stop("SIGKILL");
    await expect(rig.prometheus.query("up")).rejects.toThrow();
    await rig.prometheus.start();
    expect(await rig.prometheus.query(`count(count_over_time(up[1m]))`)).toBeGreaterThan(0);
  });
});

test("pods outlive an API server, and are watched again by the next", async () => {
  const before = rig.kubelet.running().map(({ pod }) => pod.metadata.name);
  await rig.controlPlane.restartApiServer("SIGKILL");
  const target = { apiVersion: "apps/v1", kind: "Deployment", ...shopRef(), name: "web" };
  await rig.cluster.patch(target, { spec: { replicas: 3 } });
  await waitFor("one more pod", () => rig.kubelet.running(), { until: ({ length }) => length === before.length + 1 });
  expect(rig.kubelet.running().map(({ pod }) => pod.metadata.name)).toEqual(expect.arrayContaining(before));
});

test("the controller runs under its own rights, and another takes over when it is killed", async () => {
  const leader = async (): Promise<string> => {
    const holder = ["get", "lease", "aviary", "-n", "aviary", "-o", "jsonpath={.spec.holderIdentity}"];
    return (await rig.controlPlane.kubectl(holder)).stdout;
  };
  await rig.controller.start();
  await waitFor("the lead", leader, { until: (name) => name === "controller-1" });
  await rig.controller.crash();
  await waitFor("the next one's lead", leader, { until: (name) => name === "controller-2" });
});

interface PodOptions {
  readonly image?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly configMap?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly preStopSeconds?: number;
}

function podOf(namespace: string, options: PodOptions) {
  const { image = "registry.test/web:1", env = {}, labels = {}, configMap, preStopSeconds } = options;
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  const container = {
    name: "main",
    image,
    env: variables,
    ports: [{ name: "http", containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1 },
    ...(configMap === undefined ? {} : { envFrom: [{ configMapRef: { name: configMap } }] }),
    ...(preStopSeconds === undefined ? {} : { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
  };
  const metadata = { name: "pod", namespace, labels };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { terminationGracePeriodSeconds: 10, containers: [container] },
  };
}

interface RouteStatus {
  readonly metadata: { readonly generation?: number };
  readonly status?: {
    readonly parents?: readonly {
      readonly conditions?: readonly { readonly type: string; readonly observedGeneration?: number }[];
    }[];
  };
}

function isUpToDate(route: RouteStatus | undefined): boolean {
  const accepted = route?.status?.parents?.[0]?.conditions?.find(({ type }) => type === "Accepted");
  return accepted?.observedGeneration === route?.metadata.generation;
}

function shopRef(): { namespace: string } {
  return { namespace: shop.namespace };
}

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiError } from "./harness/apiClient.ts";
import { ensureBinaries } from "./harness/binaries.ts";
import { type Cluster, connect, type KubeObject } from "./harness/cluster.ts";
import { type ControlPlane, startControlPlane } from "./harness/controlPlane.ts";
import { waitFor } from "./harness/polling.ts";
import { isAlive } from "./harness/processes.ts";
import { podBehaviour } from "./harness/stages.ts";
import {
  deployment,
  readyStatus,
  waitForAvailable,
  waitForPod,
  waitingReason,
  type Workload,
} from "./harness/workloads.ts";

let controlPlane: ControlPlane;
let cluster: Cluster;

beforeAll(async () => {
  await timed("binaries", () => ensureBinaries((line) => console.log(line)));
  controlPlane = await timed("control plane started", () => startControlPlane());
  cluster = asAdmin(controlPlane);
});

afterAll(async () => {
  await cluster.close();
  await controlPlane.stop();
});

describe("workloads", () => {
  test("a Deployment gets available, with its pods on the fake node", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment({ name: "web", namespace, replicas: 2 }));
    await timed("two pods available", () => waitForAvailable(cluster, { namespace, name: "web" }, 2));
  });

  test("a DaemonSet and a StatefulSet get ready", async () => {
    const namespace = await cluster.namespace();
    const { spec } = deployment({ name: "app", namespace });
    const { selector, template } = spec as { selector: object; template: object };
    const metadata = { name: "app", namespace };
    await cluster.apply([
      { apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec: { selector, template } },
      { apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec: { selector, template, serviceName: "app" } },
    ]);
    await waitFor(
      "the DaemonSet's pod",
      () => cluster.get<Workload>({ ...metadata, apiVersion: "apps/v1", kind: "DaemonSet" }),
      {
        until: (set) => set?.status?.numberReady === 1,
      },
    );
    await waitFor(
      "the StatefulSet's pod",
      () => cluster.get<Workload>({ ...metadata, apiVersion: "apps/v1", kind: "StatefulSet" }),
      {
        until: (set) => set?.status?.readyReplicas === 1,
      },
    );
  });

  test("a pod with the never-ready label runs without being ready until the label is taken away", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment({ name: "slow", namespace, labels: { [podBehaviour.neverReady]: "true" } }));
    const pod = await waitForPod(cluster, namespace, (seen) => readyStatus(seen) === "False");
    expect(pod.status?.phase).toBe("Running");
    const ref = { apiVersion: "v1", kind: "Pod", namespace, name: pod.metadata.name };
    await cluster.patch(ref, { metadata: { labels: { [podBehaviour.neverReady]: null } } });
    await waitForPod(cluster, namespace, (seen) => readyStatus(seen) === "True");
    await cluster.patch(ref, { metadata: { labels: { [podBehaviour.neverReady]: "true" } } });
    await waitForPod(cluster, namespace, (seen) => readyStatus(seen) === "False");
  });

  test("a pod with a ready-after annotation is not ready before that time", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment({ name: "later", namespace, annotations: { [podBehaviour.readyAfter]: "2s" } }));
    const pod = await waitForPod(cluster, namespace, (seen) => readyStatus(seen) === "True");
    const condition = (type: string): number =>
      Date.parse(pod.status?.conditions?.find((one) => one.type === type)?.lastTransitionTime ?? "");
    expect(condition("Ready") - condition("PodScheduled")).toBeGreaterThanOrEqual(1000);
  });

  test.each([
    { what: "an image that is missing", image: "registry.test/missing:1", annotations: {}, reason: "ImagePullBackOff" },
    {
      what: "a container that crashes",
      image: "registry.test/web:1",
      annotations: { [podBehaviour.fails]: "CrashLoopBackOff" },
      reason: "CrashLoopBackOff",
      last: { reason: "Error", exitCode: 1 },
    },
    {
      what: "a container that runs out of memory",
      image: "registry.test/web:1",
      annotations: { [podBehaviour.fails]: "OOMKilled" },
      reason: "CrashLoopBackOff",
      last: { reason: "OOMKilled", exitCode: 137 },
    },
  ])("$what waits in $reason", async ({ image, annotations, reason, last }) => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment({ name: "bad", namespace, image, annotations }));
    const pod = await waitForPod(cluster, namespace, (seen) => waitingReason(seen) === reason);
    expect(readyStatus(pod)).toBe("False");
    expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated).toEqual(
      last === undefined ? undefined : expect.objectContaining(last),
    );
  });

  test("a Service's endpoints follow its ready pods", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply(deployment({ name: "web", namespace, replicas: 2 }));
    const spec = { selector: { app: "web" }, ports: [{ port: 80 }] };
    await cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace }, spec });
    const slices = (): Promise<{ endpoints?: { conditions: { ready: boolean } }[] }[]> =>
      cluster.list({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace });
    const readyEndpoints = async (): Promise<number> =>
      (await slices()).flatMap(({ endpoints = [] }) => endpoints).filter(({ conditions }) => conditions.ready).length;
    await waitFor("two endpoints", readyEndpoints, { until: (count) => count === 2 });
  });
});

describe("users", () => {
  test("a ServiceAccount's kubeconfig is that ServiceAccount and has only its own rights", async () => {
    const namespace = await cluster.namespace();
    await cluster.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot", namespace } });
    const kubeconfig = await controlPlane.kubeconfigFor({ namespace, name: "robot" });
    expect(await whoAmI(kubeconfig)).toMatchObject({
      username: `system:serviceaccount:${namespace}:robot`,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    });
    const refused = await controlPlane.kubectl(["get", "pods"], { kubeconfig });
    expect(refused.stderr).toContain("Forbidden");
    const grant = ["create", "rolebinding", "robot", "--clusterrole=view", `--serviceaccount=${namespace}:robot`];
    expect((await controlPlane.kubectl([...grant, "-n", namespace])).stderr).toBe("");
    await waitFor(
      "the grant to count",
      async () => (await controlPlane.kubectl(["get", "pods"], { kubeconfig })).code === 0,
    );
  });

  test("an invented user is authenticated with name and groups", async () => {
    const kubeconfig = controlPlane.userKubeconfig("alice@example.test", ["shop"]);
    expect(await whoAmI(kubeconfig)).toMatchObject({
      username: "alice@example.test",
      groups: ["shop", "system:authenticated"],
    });
  });

  test("an unknown token is refused", async () => {
    const stranger = connect({ url: controlPlane.url, caFile: controlPlane.caFile, token: "nonsense" });
    const failure = await stranger.list({ apiVersion: "v1", kind: "Pod" }).catch((error: unknown) => error);
    await stranger.close();
    expect(failure).toBeInstanceOf(ApiError);
    expect((failure as ApiError).statusCode).toBe(401);
  });
});

describe("the API", () => {
  test("the Gateway API's CRDs are installed and checked by their schemas", async () => {
    await timed("Gateway API CRDs", () => cluster.installCrds(controlPlane.binaries.gatewayCrds));
    const namespace = await cluster.namespace();
    const route = (rules: object[]): object => ({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "web", namespace },
      spec: { rules },
    });
    const [stored] = await cluster.apply(route([{ backendRefs: [{ name: "web", port: 80 }] }]));
    expect(stored?.["spec"]).toMatchObject({ rules: [{ backendRefs: [{ name: "web", weight: 1 }] }] });
    await expect(cluster.apply(route([{ backendRefs: [{ name: "web", port: 80, weight: -1 }] }]))).rejects.toThrow(
      "weight",
    );
  });

  test("kubectl applies with the server's own version and without complaint", async () => {
    const namespace = await cluster.namespace();
    const stdin = JSON.stringify(deployment({ name: "web", namespace }));
    expect(await controlPlane.kubectl(["apply", "-f", "-"], { stdin })).toEqual({
      code: 0,
      stdout: "deployment.apps/web created\n",
      stderr: "",
    });
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("watches and lists work again after a restart by %s", async (signal) => {
    const namespace = await cluster.namespace();
    const kind = { apiVersion: "v1", kind: "ConfigMap" };
    await cluster.apply({ ...kind, metadata: { name: "before", namespace } });
    const firstWatch = drain(cluster.watch({ ...kind, namespace }));
    await timed(`API server restarted by ${signal}`, () => controlPlane.restartApiServer(signal));
    await timed("the open watch ended", () => firstWatch);
    const names = (await cluster.list<KubeObject>({ ...kind, namespace })).map(({ metadata }) => metadata.name);
    expect(names).toContain("before");
    const end = new AbortController();
    const secondWatch = cluster.watch<KubeObject>({ ...kind, namespace, signal: end.signal });
    await cluster.apply({ ...kind, metadata: { name: "after", namespace } });
    for await (const { object } of secondWatch) if (object.metadata.name === "after") break;
    end.abort();
    await cluster.apply(deployment({ name: "web", namespace }));
    await timed("a pod available after the restart", () => waitForAvailable(cluster, { namespace, name: "web" }, 1));
  });

  test("a resource version from before a restart is gone", async () => {
    const namespace = await cluster.namespace();
    const kind = { apiVersion: "v1", kind: "ConfigMap" };
    const metadata = { name: "counter", namespace };
    const [first] = await cluster.apply({ ...kind, metadata });
    for (const value of ["1", "2", "3"]) await cluster.apply({ ...kind, metadata, data: { value } });
    await controlPlane.restartApiServer();
    const resourceVersion = first?.metadata.resourceVersion ?? "";
    const [event] = await drain(cluster.watch({ ...kind, namespace, resourceVersion }));
    expect(event).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });
});

describe("start and stop", () => {
  test("stopping ends every part, removes the folder and leaves no pid", async () => {
    const other = await timed("second control plane started", () => startControlPlane());
    const pids = Object.values(other.pids());
    expect(Object.keys(other.pids()).sort()).toEqual(
      ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"].sort(),
    );
    expect(pids.filter(isAlive)).toEqual(pids);
    await timed("second control plane stopped", () => other.stop());
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(other.folder)).toBe(false);
  });

  test("a control plane that does not start says why and leaves nothing running", async () => {
    const before = children();
    const failure = await startControlPlane({ apiServerArguments: ["--no-such-flag"] }).catch(String);
    expect(failure).toMatch(/kube-apiserver ended.*unknown flag: --no-such-flag/s);
    expect(children()).toEqual(before);
    const folder = /logs: (.*)/.exec(String(failure))?.[1] ?? "";
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(["etcd.log", "kube-apiserver.log"]));
    rmSync(folder, { recursive: true });
  });
});

async function whoAmI(kubeconfig: string): Promise<unknown> {
  const { stdout, stderr } = await controlPlane.kubectl(["auth", "whoami", "-o", "json"], { kubeconfig });
  expect(stderr).toBe("");
  return (JSON.parse(stdout) as { status: { userInfo: unknown } }).status.userInfo;
}

async function drain<T>(events: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  try {
    for await (const event of events) seen.push(event);
  } catch {
    // A killed server breaks the connection.
  }
  return seen;
}

function asAdmin({ url, caFile, adminToken: token }: ControlPlane): Cluster {
  return connect({ url, caFile, token });
}

/** Pids of this process's children. */
function children(): number[] {
  const threads = readdirSync("/proc/self/task");
  const lists = threads.map((thread) => readFileSync(`/proc/self/task/${thread}/children`, "utf8"));
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number)).sort((a, b) => a - b);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${what}: ${Math.round(performance.now() - start)} ms`);
  return result;
}

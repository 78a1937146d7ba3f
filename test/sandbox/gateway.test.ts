import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { conditionOf, type GatewayRoute, type HTTPRoute } from "../../src/kube/objects.ts";
import { systemClock } from "../../src/lib/time.ts";
import { installGatewayApi } from "../../src/sandbox/apiserver/gatewayApi.ts";
import { gatewayAPI } from "../../src/routers/gatewayAPI.ts";
import { startGateway, type GatewayOptions, type RunningGateway } from "../../src/sandbox/gateway/gateway.ts";
import { GATEWAY_HEADER } from "../../src/sandbox/gateway/headers.ts";
import { startLoad } from "../../src/sandbox/load.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { createHttpRuntime, type HttpRuntime } from "../../src/sandbox/runtime/httpRuntime.ts";
import { aRoute, applyGateway, applyRoute } from "./gatewayApi.ts";
import { aDeployment, aService, release, startWorld, type DeploymentWish, type World } from "./world.ts";

let world: World;
let runtime: HttpRuntime;
let gateway: RunningGateway;

beforeEach(async () => {
  runtime = createHttpRuntime({ random: Math.random });
  world = await startWorld(systemClock, runtime, ({ server }) => {
    installGatewayApi(server);
  });
});

afterEach(async () => {
  await gateway.stop();
  await world.stop();
  expect(world.logs).toEqual([]);
});

async function open(options: Partial<GatewayOptions> = {}): Promise<void> {
  gateway = await startGateway({ ...world.context, dial: runtime.dial, random: seededRandom(3), ...options });
  await applyGateway(world.kube);
}

/** Pods that start and answer quickly, behind a Service of their name. */
async function deploy(name: string, wish: DeploymentWish = {}): Promise<void> {
  await world.kube.create(kinds.service, aService(name));
  await world.kube.create(
    kinds.deployment,
    aDeployment({ name, replicas: 1, version: name, ...wish, env: { ...QUICK, ...wish.env } }),
  );
}

const QUICK = { START_DELAY_MS: "0", LATENCY_MS: "1", SHUTDOWN_DELAY_MS: "200" };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly own: string | undefined;
}

function get(path = "/", headers: Record<string, string> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = httpRequest(`${gateway.url}${path}`, { headers: { host: "web.test", ...headers } }, (answer) => {
    answer.resume();
    answer.once("end", () => {
      const own = answer.headers[GATEWAY_HEADER];
      resolve({
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        own: typeof own === "string" ? own : undefined,
      });
    });
  });
  outgoing.once("error", reject);
  outgoing.end();
  return promise;
}

/** Asks until the answer is as wanted: changes reach the data plane by events, not at once. */
async function eventually(wanted: (answer: Answer) => boolean, path?: string): Promise<Answer> {
  for (;;) {
    const answer = await get(path);
    if (wanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const answers = (version: string) => (answer: Answer) => answer.headers["x-version"] === version;

async function countVersions(requests: number, headers: Record<string, string> = {}): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let sent = 0; sent < requests; sent += 20) {
    for (const { headers: got, status } of await Promise.all(Array.from({ length: 20 }, () => get("/", headers)))) {
      const key = String(got["x-version"] ?? status);
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}

describe("the gateway", () => {
  it("splits requests by weight and changes the split with the route", async () => {
    await open();
    await deploy("a");
    await deploy("b");
    await applyRoute(world.kube, aRoute({ a: 0, b: 1 }));
    await eventually(answers("b"));
    await applyRoute(world.kube, aRoute({ a: 90, b: 10 }));
    await eventually(answers("a"));
    const { b = 0 } = await countVersions(1_000);
    expect(b).toBeGreaterThan(60);
    expect(b).toBeLessThan(140);
    await applyRoute(world.kube, aRoute({ a: 100, b: 0 }));
    await eventually(answers("a"));
    expect(await countVersions(100)).toEqual({ a: 100 });
  });

  it("answers 503 for the share of a Service without pods, 500 for one that does not exist, 404 without a route", async () => {
    await open();
    await world.kube.create(kinds.service, aService("empty"));
    expect((await get()).own).toBe("no-route");
    await applyRoute(world.kube, aRoute({ empty: 1 }));
    expect((await eventually(({ status }) => status === 503)).own).toBe("no-endpoints");
    await applyRoute(world.kube, aRoute({ nowhere: 1 }));
    expect((await eventually(({ status }) => status === 500)).own).toBe("no-backend");
  });

  it("fails no request while pods roll, though endpoints reach it late", async () => {
    await open({ endpointLagMs: 100 });
    const spec = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };
    await deploy("web", { replicas: 3, version: "1", env: { LATENCY_MS: "20", SHUTDOWN_DELAY_MS: "300" }, spec });
    await applyRoute(world.kube, aRoute({ web: 1 }));
    await eventually(answers("1"));
    const load = startLoad({ url: gateway.url, host: "web.test", rps: 200 });
    for (const version of ["2", "3"]) {
      await release(world.kube, { version, env: { ...QUICK, LATENCY_MS: "20", SHUTDOWN_DELAY_MS: "300" } });
      await eventually(answers(version));
      while ((await podCount()) > 3) await eventually(() => true);
    }
    const counts = await load.stop();
    expect(counts).toMatchObject({ failedByGateway: 0, skipped: 0 });
    expect(Object.keys(counts.byVersion).toSorted()).toEqual(["1", "2", "3"]);
    expect(counts.byStatus).toEqual({ 200: counts.requests });
  });

  it("changes headers on the way in and out, by the rule's and the backend's filters", async () => {
    await open();
    await deploy("a");
    const filters = [
      { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "X-From", value: "rule" }] } },
    ];
    const rules = [{ filters, backendRefs: [{ name: "a", port: 80 }] }];
    await applyRoute(world.kube, aRoute({}, { rules }));
    expect((await eventually(answers("a"))).headers["x-from"]).toBe("rule");
  });

  it("leads what an A/B test matches by the route that the router makes of it, and the rest by the user's", async () => {
    await open();
    for (const name of ["web", "web-primary", "web-canary"]) await deploy(name);
    await applyRoute(world.kube, aRoute({ "web-primary": 100, "web-canary": 0 }));
    await eventually(answers("web-primary"));
    const demand = {
      mirrors: [],
      matches: [
        { headers: [], queryParams: [], cookie: { name: "kind", value: "beta+1" } },
        { headers: [{ name: "X-Beta", value: "yes|very", type: "RegularExpression" }], queryParams: [] },
        { headers: [], queryParams: [{ name: "beta", value: "yes", type: "Exact" }], method: "GET" },
      ],
    } as const;
    const writes = gatewayAPI.plan(
      {
        block: gatewayAPI.schema.parse({ routeRefs: [{ name: "web" }] }),
        backends: {
          namespace: "default",
          name: "web",
          primary: "web-primary",
          canary: "web-canary",
          port: 80,
        },
        objects: new Map([["HTTPRoute/default/web", await route()]]),
        demand,
      },
      { weight: 0, matched: true },
    );
    const [write] = writes;
    if (write?.type !== "apply" || writes.length !== 1) throw new Error("no route was made");
    await world.kube.apply(kinds.httpRoute, write.object);
    await eventually(answers("web-canary"), "/?beta=yes");
    const versionFor = async (headers: Record<string, string>, path = "/") =>
      (await get(path, headers)).headers["x-version"];
    expect(await versionFor({ cookie: "a=b; kind=beta+1; c=d" })).toBe("web-canary");
    expect(await versionFor({ cookie: "kind=beta+1" })).toBe("web-canary");
    expect(await versionFor({ cookie: "akind=beta+1; kind=beta+11" })).toBe("web-primary");
    expect(await versionFor({ "x-beta": "very" })).toBe("web-canary");
    expect(await versionFor({ "x-beta": "not very" })).toBe("web-primary");
    expect(await versionFor({}, "/?beta=no")).toBe("web-primary");
    expect(await countVersions(40)).toEqual({ "web-primary": 40 });
  });

  it("keeps every user where the router's cookies say, and moves no more of them than the weight asks for", async () => {
    await open({ choice: "smooth" });
    for (const name of ["web-primary", "web-canary"]) await deploy(name);
    const block = gatewayAPI.schema.parse({ route: { parentRefs: [{ name: "gateway" }], hostnames: ["web.test"] } });
    const backends = { namespace: "default", name: "web", primary: "web-primary", canary: "web-canary", port: 80 };
    const affinity = { cookie: "aviary", maxAgeSeconds: 60, revision: "abc", weights: [20, 50] };
    const demand = { matches: [], mirrors: [], affinity };
    const shift = async (weight: number): Promise<void> => {
      const [write] = gatewayAPI.plan({ block, backends, objects: new Map(), demand }, { weight });
      if (write?.type !== "apply") throw new Error("no route was made");
      await applyRoute(world.kube, write.object as HTTPRoute);
    };
    const users = Array.from({ length: 200 }, () => ({ cookie: "theme=dark", version: "" }));
    const visit = async (): Promise<void> => {
      for (const user of users) {
        const { headers } = await get("/", { cookie: user.cookie });
        user.version = String(headers["x-version"]);
        const [given] = [headers["set-cookie"] ?? []].flat();
        if (given !== undefined) user.cookie = `theme=dark; ${given.split(";")[0] ?? ""}`;
      }
    };
    const onCanary = () => users.filter(({ version }) => version === "web-canary");
    await shift(20);
    await eventually(answers("web-canary"));
    await visit();
    const first = onCanary();
    expect(first.length / users.length).toBeCloseTo(0.2, 1);
    await visit();
    expect(onCanary()).toEqual(first);
    await shift(50);
    // A user without a cookie is drawn evenly then.
    const even = async () => (await countVersions(40))["web-canary"];
    await expect.poll(even).toBeGreaterThanOrEqual(19);
    await visit();
    const second = onCanary();
    expect(second).toEqual(expect.arrayContaining(first));
    expect(second.length / users.length).toBeCloseTo(0.5, 1);
    await visit();
    expect(onCanary()).toEqual(second);
    await shift(0);
    await expect
      .poll(async () => (await get("/", { cookie: first[0]?.cookie ?? "" })).headers["x-version"])
      .toBe("web-primary");
  });

  it("mirrors a share of the requests, whose answers nobody gets", async () => {
    await open();
    await deploy("a");
    await deploy("b", { env: { ERROR_RATE: "1" } });
    const mirror = (percent: number) => {
      const backendRef = { group: "", kind: "Service", name: "b", port: 80 };
      const filters = [{ type: "RequestMirror", requestMirror: { backendRef, percent } }];
      return aRoute({}, { rules: [{ filters, backendRefs: [{ name: "a", port: 80 }] }] });
    };
    await applyRoute(world.kube, mirror(25));
    await eventually(answers("a"));
    expect(await countVersions(400)).toEqual({ a: 400 });
    const copies = async () =>
      Number(
        /envoy_cluster_upstream_rq_total\{envoy_cluster_name="default_b_80"\} (\d+)/.exec(await gateway.metrics())?.[1],
      );
    await expect.poll(copies).toBeGreaterThan(60);
    expect(await copies()).toBeLessThan(140);
  });

  it("gives up after the time that the rule allows", async () => {
    await open();
    await deploy("slow", { env: { LATENCY_MS: "60000" } });
    await applyRoute(
      world.kube,
      aRoute({}, { rules: [{ timeouts: { request: "50ms" }, backendRefs: [{ name: "slow", port: 80 }] }] }),
    );
    expect((await eventually(({ status }) => status === 504)).own).toBe("timeout");
  });

  it("says that it has accepted a route before the route is in effect, when it lags", async () => {
    await open({ lagMs: 400 });
    await deploy("a");
    await deploy("b");
    await applyRoute(world.kube, aRoute({ a: 1, b: 0 }));
    await eventually(answers("a"));
    await applyRoute(world.kube, aRoute({ a: 0, b: 1 }));
    const { generation = 0 } = (await route()).metadata;
    while (observed(await route()) !== generation) await get();
    expect((await get()).headers["x-version"]).toBe("a");
    await eventually(answers("b"));
  });

  it("refuses a route in its status with what is wrong", async () => {
    await open();
    await applyRoute(world.kube, aRoute({ nowhere: 1 }));
    await eventually(({ own }) => own === "no-backend");
    await expect
      .poll(async () => conditions(await route()).ResolvedRefs)
      .toMatchObject({ status: "False", reason: "BackendNotFound" });
    const rules = [{ filters: [{ type: "URLRewrite" }], backendRefs: [{ name: "nowhere", port: 80 }] }];
    await applyRoute(world.kube, aRoute({}, { rules }));
    await expect
      .poll(async () => conditions(await route()).Accepted)
      .toMatchObject({ status: "False", reason: "UnsupportedValue" });
    expect((await get()).own).toBe("no-route");
  });

  it("says of a GRPCRoute that it is accepted, without serving it", async () => {
    await open();
    const grpc = { ...aRoute({ nowhere: 1 }), kind: "GRPCRoute" };
    await world.kube.create(kinds.grpcRoute, grpc);
    const status = async () => {
      const found = await world.kube.get<GatewayRoute>(kinds.grpcRoute, { namespace: "default", name: "web" });
      return found === undefined ? undefined : conditions(found).Accepted?.status;
    };
    await expect.poll(status).toBe("True");
    expect((await get()).own).toBe("no-route");
  });

  it("counts by Service as Contour's Envoy does", async () => {
    await open();
    await deploy("a", { env: { ERROR_RATE: "1" } });
    await applyRoute(world.kube, aRoute({ a: 1 }));
    await eventually(answers("a"));
    const text = await (await fetch(gateway.metricsUrl)).text();
    const labels = 'envoy_cluster_name="default_a_80"';
    expect(text).toContain(`envoy_cluster_upstream_rq_total{${labels}} 1`);
    expect(text).toContain(`envoy_cluster_upstream_rq_xx{${labels},envoy_response_code_class="5"}`);
    expect(text).toContain(`envoy_cluster_upstream_rq{${labels},envoy_response_code="500"} 1`);
    expect(text).toMatch(/envoy_cluster_upstream_rq_time_bucket\{le="25",envoy_cluster_name="default_a_80"\} 1/);
  });

  it("serves Ingresses with the canary annotations and counts as ingress-nginx does", async () => {
    await open();
    await deploy("a");
    await deploy("b");
    const ingress = (name: string, annotations: Record<string, string>) => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name, namespace: "default", annotations },
      spec: {
        rules: [
          {
            host: "web.test",
            http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name, port: { number: 80 } } } }] },
          },
        ],
      },
    });
    const prefix = "nginx.ingress.kubernetes.io";
    await world.kube.create(kinds.ingress, ingress("a", {}));
    const canary = {
      [`${prefix}/canary`]: "true",
      [`${prefix}/canary-weight`]: "0",
      [`${prefix}/canary-by-header`]: "x-beta",
    };
    await world.kube.create(kinds.ingress, ingress("b", canary));
    await eventually(answers("a"));
    expect(await countVersions(20, { "x-beta": "always" })).toEqual({ b: 20 });
    await world.kube.mergePatch(
      kinds.ingress,
      { namespace: "default", name: "b" },
      { metadata: { annotations: { [`${prefix}/canary-weight`]: "50" } } },
    );
    await eventually(answers("b"));
    const { a = 0, b = 0 } = await countVersions(400);
    expect(Math.min(a, b)).toBeGreaterThan(140);
    expect(await gateway.metrics()).toMatch(
      /nginx_ingress_controller_requests\{namespace="default",ingress="a",service="b",canary="default-b-80",status="200",/,
    );
  });
});

const podCount = async (): Promise<number> => (await world.kube.list(kinds.pod)).items.length;

async function route(): Promise<GatewayRoute> {
  const found = await world.kube.get<HTTPRoute>(kinds.httpRoute, { namespace: "default", name: "web" });
  if (found === undefined) throw new Error("the route is gone");
  return found;
}

const conditions = ({ status }: GatewayRoute) => ({
  Accepted: conditionOf(status?.parents?.[0]?.conditions, "Accepted"),
  ResolvedRefs: conditionOf(status?.parents?.[0]?.conditions, "ResolvedRefs"),
});

const observed = (found: GatewayRoute): number | undefined => conditions(found).Accepted?.observedGeneration;

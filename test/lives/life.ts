import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { CanaryStatus } from "../../src/api/status.ts";
import { startController } from "../../src/controller.ts";
import type { Controller } from "../../src/controller.ts";
import { createEventRecorder } from "../../src/kube/events.ts";
import { createInformers } from "../../src/kube/informers.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Deployment, EndpointSlice, HTTPRoute } from "../../src/kube/objects.ts";
import { SERVICE_NAME_LABEL } from "../../src/kube/objects.ts";
import type { Kube, KubeObject, ResourceKind } from "../../src/kube/port.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { startControllers } from "../../src/sandbox/controllers/controllers.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import type { KubeCall } from "../../src/sandbox/memoryKube.ts";
import { podRemover } from "../../src/sandbox/podRemover.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { startCaches } from "../../src/triggers.ts";
import { createTelemetry } from "../../src/server/telemetry.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";

export const NAMESPACE = "shop";

export interface LifeOptions {
  /** What is under `spec` beside targetRef, traffic and analysis; merged over the defaults. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** What Prometheus says when it is asked; default 1. */
  readonly ask?: (query: string) => Reading;
  readonly replicas?: number;
  /** Thrown before (`before`) or after (`after`) a write of the controller's. */
  readonly fault?: { readonly before?: (call: KubeCall) => void; readonly after?: (call: KubeCall) => void };
  /** How the gateway says that it has taken over a route: at once, never, or by refusing it. */
  readonly gateway?: "accepts" | "silent" | "rejects";
}

/** A whole life of a canary on virtual time: the production controller, an in-memory cluster, and a watchful user. */
export interface Life {
  readonly clock: VirtualClock;
  readonly server: ApiServer;
  /** The port as users, CI and GitOps tools have it. */
  readonly kube: Kube;
  canary(): { readonly status: CanaryStatus; readonly metadata: KubeObject["metadata"] } | undefined;
  status(): CanaryStatus;
  deployment(name: string): Deployment | undefined;
  weights(): Record<string, number>;
  /** `12s Progressing 1/3 w=5 shiftTraffic`, one for each change of the status. */
  readonly timeline: string[];
  /** Moments at which a request of a user's would have found nobody. */
  readonly outages: string[];
  release(version: string, env?: Readonly<Record<string, string>>): Promise<void>;
  act(action: string, extra?: Readonly<Record<string, unknown>>): Promise<string>;
  until(what: string, condition: (status: CanaryStatus) => boolean, limitMs?: number): Promise<void>;
  /** Ends the controller as a crash would, and starts a new one. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const GATES = { name: "success", threshold: { query: "success{{ interval }}", min: 0.99, failureLimit: 1 } };

export async function startLife(options: LifeOptions = {}): Promise<Life> {
  const clock = createVirtualClock();
  const start = clock.now();
  const server = createApiServer({ now: () => clock.now(), namespaces: [NAMESPACE] });
  const kube = createMemoryKube({ server });
  install(server);
  const timeline: string[] = [];
  const outages: string[] = [];
  let before = "";
  let served = false;
  const status = (): CanaryStatus => (canaryOf(server)?.status ?? {});
  const look = (): void => {
    const lost = outage(server);
    // The route is older than the Services that it names: until Aviary has made them, nobody can serve.
    served ||= lost === undefined && find(server, kinds.service, "web-primary") !== undefined;
    if (lost !== undefined && served) outages.push(`${seconds(clock.now() - start)} ${lost}`);
    const line = lineOf(status());
    if (line !== before && line !== "") timeline.push(`${seconds(clock.now() - start)} ${line}`);
    before = line;
  };
  const watched = createMemoryKube({ server, after: look });
  const clusterInformers = createInformers(watched, clock, { random: () => 0 });
  const context = { kube: watched, informers: clusterInformers, clock, random: seededRandom(1), log: () => {} };
  const cluster = await startControllers({
    ...context,
    runtime: createInstantRuntime(),
    removePod: podRemover(server),
  });
  const stopGateway = startGateway(watched, clusterInformers, options.gateway ?? "accepts");
  await createWorkload(kube, options);
  await clock.advance(5_000);
  let running = await runController({ server, clock, options, look });
  await kube.create(kinds.canary, aCanary(options.spec));

  return {
    clock,
    server,
    kube,
    canary: () => canaryOf(server) as ReturnType<Life["canary"]>,
    status,
    deployment: (name) => find(server, kinds.deployment, name) as Deployment | undefined,
    weights: () => weightsOf(server),
    timeline,
    outages,
    async release(version, env = {}) {
      const patch = { spec: { template: { spec: podSpec(version, env) } } };
      await kube.mergePatch(kinds.deployment, { namespace: NAMESPACE, name: "web" }, patch);
    },
    async act(action, extra = {}) {
      const name = `${action.toLowerCase()}-${clock.now()}`;
      const spec = { canaryRef: { name: "web" }, action, ...extra };
      await kube.create(kinds.canaryAction, {
        ...meta("aviary.dev/v1beta1", "CanaryAction", name),
        spec,
      } as KubeObject);
      await clock.advance(100);
      const answer = find(server, kinds.canaryAction, name) as
        { status?: { phase?: string; message?: string } } | undefined;
      return `${answer?.status?.phase ?? "unanswered"}: ${answer?.status?.message ?? ""}`;
    },
    async until(what, condition, limitMs = 600_000) {
      await clock
        .advanceUntil(() => condition(status()), { stepMs: 250, limitMs })
        .catch(() => {
          throw new Error(
            `waited in vain for ${what}:\n${timeline.slice(-20).join("\n")}\n${JSON.stringify(status(), null, 1)}`,
          );
        });
    },
    async restart() {
      await running.stop();
      running = await runController({ server, clock, options, look });
    },
    async stop() {
      await running.stop();
      stopGateway();
      await cluster.stop();
      await clusterInformers.stop();
    },
  };
}

interface Running {
  stop(): Promise<void>;
}

interface RunOptions {
  readonly server: ApiServer;
  readonly clock: VirtualClock;
  readonly options: LifeOptions;
  readonly look: () => void;
}

async function runController({ server, clock, options, look }: RunOptions): Promise<Running> {
  const kube = createMemoryKube({
    server,
    before: (call) => options.fault?.before?.(call),
    after: (call) => {
      look();
      options.fault?.after?.(call);
    },
  });
  const ending = new AbortController();
  const informers = createInformers(kube, clock, { random: () => 0 });
  startCaches(informers);
  await clock.advance(10);
  await informers.ready();
  const controller: Controller = startController({
    kube,
    informers,
    clock,
    log: silentLog,
    telemetry: createTelemetry(),
    events: createEventRecorder({ kube, clock, instance: "test" }),
    workers: 4,
    prometheusUrl: "http://127.0.0.1:9",
    ownNamespace: "aviary",
    signal: ending.signal,
    ask: ({ query }) => Promise.resolve(options.ask?.(query) ?? { kind: "value", value: 1 }),
  });
  return {
    async stop() {
      ending.abort();
      await controller.stop({ deadlineMs: 0 });
      await informers.stop();
    },
  };
}

function install(server: ApiServer): void {
  for (const folder of ["crds", "src/sandbox/apiserver/crds"]) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
      for (const document of parseAllDocuments(readFileSync(`${folder}/${file}`, "utf8"))) {
        const resource = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
        server.create(resource, undefined, document.toJS() as never, {});
      }
    }
  }
}

function find(server: ApiServer, kind: ResourceKind, name: string): KubeObject | undefined {
  try {
    return server.get(server.resource(kind.group, kind.version, kind.plural), {
      namespace: NAMESPACE,
      name,
    }) as unknown as KubeObject;
  } catch {
    return undefined;
  }
}

function all<T>(server: ApiServer, kind: ResourceKind): readonly T[] {
  const { items } = server.list(server.resource(kind.group, kind.version, kind.plural), { namespace: NAMESPACE });
  return items as unknown as readonly T[];
}

function canaryOf(server: ApiServer): { status?: CanaryStatus } | undefined {
  return find(server, kinds.canary, "web") as { status?: CanaryStatus } | undefined;
}

function weightsOf(server: ApiServer): Record<string, number> {
  const route = find(server, kinds.httpRoute, "web") as HTTPRoute | undefined;
  const refs = route?.spec.rules?.[0]?.backendRefs ?? [];
  return Object.fromEntries(refs.map(({ name, weight }) => [name, weight ?? 1]));
}

/** What a request would meet now: every backend with weight, and the apex Service, must have somebody behind it. */
function outage(server: ApiServer): string | undefined {
  if (find(server, kinds.canary, "web") === undefined) return undefined;
  const served = Object.entries(weightsOf(server)).filter(([, weight]) => weight > 0);
  const total = served.reduce((sum, [, weight]) => sum + weight, 0);
  if (total === 0) return "the weights add up to 0";
  const empty = [...served.map(([name]) => name), "web"].find((name) => readyBehind(server, name) === 0);
  return empty === undefined ? undefined : `nobody is behind ${empty}`;
}

function readyBehind(server: ApiServer, service: string): number {
  return all<EndpointSlice>(server, kinds.endpointSlice)
    .filter((slice) => slice.metadata.labels?.[SERVICE_NAME_LABEL] === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true).length;
}

function lineOf({ phase, step, weight, why }: CanaryStatus): string {
  if (phase === undefined) return "";
  return `${phase}${step === undefined ? "" : ` ${step}`} w=${weight ?? 0} ${why?.rule ?? ""}`;
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10}s`;
}

/** Says of every new generation of a route that it is accepted, as a gateway does. */
function startGateway(
  kube: Kube,
  informers: ReturnType<typeof createInformers>,
  manner: NonNullable<LifeOptions["gateway"]>,
): () => void {
  let stopped = false;
  informers.onChange<HTTPRoute>(kinds.httpRoute, ({ before, after }) => {
    if (stopped || manner === "silent" || after === undefined) return;
    if (before !== undefined && before.metadata.generation === after.metadata.generation) return;
    const observedGeneration = after.metadata.generation;
    const lastTransitionTime = "2026-01-01T00:00:00Z";
    const yes = { status: "True", observedGeneration, lastTransitionTime, message: "" };
    const accepted =
      manner === "accepts"
        ? { ...yes, type: "Accepted", reason: "Accepted" }
        : { ...yes, status: "False", type: "Accepted", reason: "NoMatchingParent", message: "no listener takes it" };
    const conditions = [accepted, { ...yes, type: "ResolvedRefs", reason: "ResolvedRefs" }];
    const parents = [{ parentRef: { name: "gateway" }, controllerName: "example.com/gateway", conditions }];
    const ref = { namespace: NAMESPACE, name: after.metadata.name };
    void kube
      .mergePatch(kinds.httpRoute, ref, { status: { parents } }, { subresource: "status" })
      .catch(() => undefined);
  });
  return () => {
    stopped = true;
  };
}

function meta(apiVersion: string, kind: string, name: string): KubeObject {
  return { apiVersion, kind, metadata: { namespace: NAMESPACE, name } };
}

function podSpec(version: string, env: Readonly<Record<string, string>>): object {
  const variables = Object.entries({ VERSION: version, ...env }).map(([name, value]) => ({ name, value }));
  const image = env["IMAGE"] ?? `example/web:${version}`;
  return { containers: [{ name: "web", image, ports: [{ name: "http", containerPort: 8080 }], env: variables }] };
}

async function createWorkload(kube: Kube, { replicas = 3 }: LifeOptions): Promise<void> {
  const labels = { app: "web" };
  await kube.create(kinds.deployment, {
    ...meta("apps/v1", "Deployment", "web"),
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec("1", {}) } },
  } as unknown as Deployment);
  await kube.create(kinds.service, {
    ...meta("v1", "Service", "web"),
    spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  });
  const backendRefs = [
    { group: "", kind: "Service", name: "web-primary", port: 80, weight: 100 },
    { group: "", kind: "Service", name: "web-canary", port: 80, weight: 0 },
  ];
  await kube.create(kinds.httpRoute, {
    ...meta("gateway.networking.k8s.io/v1", "HTTPRoute", "web"),
    spec: { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs }] },
  });
}

function aCanary(spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  return {
    ...meta("aviary.dev/v1beta1", "Canary", "web"),
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      traffic: { settle: "2s", drain: "5s", gatewayAPI: { routeRefs: [{ name: "web" }] } },
      strategy: {
        canary: {
          steps: [
            { weight: 10, hold: "30s" },
            { weight: 50, hold: "30s" },
          ],
        },
      },
      analysis: { interval: "10s", checks: [GATES] },
      ...spec,
    },
  } as unknown as KubeObject;
}

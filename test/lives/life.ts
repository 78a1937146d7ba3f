import type { CanaryStatus } from "../../src/api/status.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Deployment, KubeEvent } from "../../src/kube/objects.ts";
import type { Kube, KubeObject, ResourceKind } from "../../src/kube/port.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import type { ProbeAnswer } from "../../src/observe/probe.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { install, startCluster } from "./cluster.ts";
import type { Cluster, Manner } from "./cluster.ts";
import { contractBreaches } from "./contract.ts";
import { startMetricsWorld } from "./metricsWorld.ts";
import type { MetricsWorld, MetricsWorldOptions } from "./metricsWorld.ts";
import { runProcess } from "./controllerProcess.ts";
import type { ControllerProcess, Crash, Traffic, Way } from "./controllerProcess.ts";
import { aCanary, applyWorkload, manifest, NAMESPACE, podSpec } from "./manifests.ts";
import { createWatchman, find, statusOf, weightsOf } from "./watchman.ts";

export { NAMESPACE } from "./manifests.ts";

export interface LifeOptions {
  /** What is under `spec` of the Canary, over the defaults of `aCanary`. */
  readonly spec?: object;
  /** What Prometheus says; `life.ask` changes it later. Default: 1, a good canary. */
  readonly ask?: (query: string) => Reading;
  /** What the data plane's metrics hold; none when left out. `life.metrics` changes it later. */
  readonly metrics?: MetricsWorldOptions;
  readonly replicas?: number;
  readonly gateway?: Manner;
  /** The name by which the gateway's controller writes the status of routes. */
  readonly gatewayController?: string;
  /** As `Life.fault`, from the first call on. */
  readonly fault?: Way["fault"];
  /** The first process of the controller dies there; another one follows. */
  readonly crash?: Crash | undefined;
  /** Objects beside the Canary; a Deployment, an apex Service and a route with the pair when left out. */
  readonly workload?: (kube: Kube) => Promise<void>;
  /** What `release` changes; Deployments when left out. */
  readonly kind?: ResourceKind;
  /** The controller's flag `--track-secrets`; true when left out. */
  readonly trackSecrets?: boolean;
  /** Statuses that can wait are written so often; as the controller does when left out. */
  readonly statusesPerSecond?: number;
  /** CustomResourceDefinitions whose names hold this are not installed. */
  readonly without?: string;
}

/** A whole life of a canary on virtual time: the production controller, an in-memory cluster, and a watchful user. */
export interface Life {
  readonly clock: VirtualClock;
  readonly server: ApiServer;
  /** The port as users, CI and GitOps tools have it. */
  readonly kube: Kube;
  readonly cluster: Cluster;
  ask: (query: string) => Reading;
  readonly metrics: MetricsWorld;
  /** What a round of probes meets. */
  probe: () => ProbeAnswer;
  /** Throws what the API server answers the controller with; undefined: it works. */
  fault: Way["fault"];
  /** Nobody answers the controller, and its watches break. */
  stopApi(): void;
  startApi(): void;
  /** Sets the time of the controller's machine, by so many milliseconds. */
  setTime(byMs: number): void;
  status(name?: string): CanaryStatus;
  exists(): boolean;
  deployment(name: string): Deployment | undefined;
  weights(): Record<string, number>;
  /** `12s Progressing 1/3 w=5 shiftTraffic`, one for each change of the status. */
  readonly timeline: string[];
  readonly outages: string[];
  /** Broken invariants and broken promises of the status. */
  readonly breaches: string[];
  /** Errors and warnings that the controller logged. */
  readonly errors: unknown[];
  readonly traffic: Traffic;
  /** Reasons of the Events so far. */
  events(): string[];
  /** Their sentences. */
  told(): string[];
  release(version: string, env?: Readonly<Record<string, string>>): Promise<void>;
  /** Creates a CanaryAction; answers with `Applied: …` or `Refused: …`. */
  act(action: string, extra?: object): Promise<string>;
  patchCanary(spec: object): Promise<void>;
  until(what: string, condition: (status: CanaryStatus) => boolean, limitMs?: number): Promise<void>;
  pass(milliseconds: number): Promise<void>;
  /** Ends the controller; time goes on by `clock.advance` until `restart`. */
  stopController(): Promise<void>;
  /** Ends the controller as a crash would, and starts a new one. */
  restart(): Promise<void>;
  /** Ends the controller for so long, and starts a new one. */
  withoutController(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startLife(options: LifeOptions = {}): Promise<Life> {
  const clock = createVirtualClock();
  const start = clock.now();
  const stamp = () => `${Math.round((clock.now() - start) / 100) / 10}s`;
  const server = createApiServer({ now: () => clock.now(), namespaces: [NAMESPACE] });
  install(server, (name) => !name.includes(options.without ?? " "));
  const watchman = createWatchman({ server, stamp });
  const timeline: string[] = [];
  const errors: unknown[] = [];
  const traffic: Traffic = { requests: 0, writes: [] };
  const look = createLook({ server, stamp, timeline, watchman });
  const kube = createMemoryKube({ server, after: look });
  const { gateway = "accepts", gatewayController: controller } = options;
  const cluster = await startCluster({ server, clock, gateway, controller, look });
  await (options.workload ?? ((by: Kube) => applyWorkload(by, options.replicas ?? 3)))(kube);
  await clock.advance(5_000);

  const metrics = startMetricsWorld(clock, () => weightsOf(server), options.metrics);
  const way: Way = { fault: options.fault, cut: new AbortController(), aheadMs: 0 };
  const startProcess = (crash?: Crash): Promise<ControllerProcess> =>
    runProcess({
      server,
      clock,
      traffic,
      look,
      ask: (query) => life.ask(query),
      askSeries: metrics.ask,
      probe: () => life.probe(),
      onError: (error) => errors.push(error),
      crash,
      way,
      trackSecrets: options.trackSecrets,
      statusesPerSecond: options.statusesPerSecond,
    });
  let running: ControllerProcess;
  /** Lets time pass; a controller that died is followed by another one, as a Deployment would see to it. */
  const pass = async (milliseconds: number): Promise<void> => {
    await clock.advance(milliseconds);
    if (running.dead) await life.restart();
  };
  const life: Life = {
    clock,
    server,
    kube,
    cluster,
    get fault() {
      return way.fault;
    },
    set fault(fault) {
      way.fault = fault;
    },
    stopApi() {
      way.fault = () => {
        throw new KubeError({ reason: "Unavailable", status: 0, message: "connect ECONNREFUSED" });
      };
      way.cut.abort();
      way.cut = new AbortController();
    },
    startApi() {
      way.fault = undefined;
    },
    setTime(byMs) {
      way.aheadMs += byMs;
    },
    probe: () => ({ sent: 10, hits: 0, answered: 0 }),
    metrics,
    ask: options.ask ?? (() => ({ kind: "value", value: 1 })),
    status: (name) => statusOf(server, name) ?? {},
    exists: () => find(server, kinds.canary, "web") !== undefined,
    deployment: (name) => find(server, kinds.deployment, name) as Deployment | undefined,
    weights: () => weightsOf(server),
    timeline,
    outages: watchman.outages,
    breaches: watchman.breaches,
    errors,
    traffic,
    events: () => eventsOf(server).map(({ type, reason }) => `${type} ${reason}`),
    told: () => eventsOf(server).map(({ message }) => message),
    async release(version, env = {}) {
      const patch = { spec: { template: { spec: podSpec(version, env) } } };
      await kube.mergePatch(options.kind ?? kinds.deployment, { namespace: NAMESPACE, name: "web" }, patch);
    },
    act: (action, extra) => act({ kube, server, pass }, action, extra),
    patchCanary: async (spec) => {
      await kube.mergePatch(kinds.canary, { namespace: NAMESPACE, name: "web" }, { spec });
    },
    until: (what, condition, limitMs = 900_000) => until(life, what, condition, limitMs),
    pass,
    stopController: () => running.stop(),
    async restart() {
      await running.stop();
      running = await startProcess();
    },
    async withoutController(milliseconds) {
      await running.stop();
      await clock.advance(milliseconds);
      running = await startProcess();
    },
    async stop() {
      await running.stop();
      await cluster.stop();
    },
  };
  running = await startProcess(options.crash);
  await kube.create(kinds.canary, aCanary(options.spec));
  return life;
}

const STEP_MS = 250;

async function until(
  life: Life,
  what: string,
  condition: (status: CanaryStatus) => boolean,
  limitMs: number,
): Promise<void> {
  const end = life.clock.now() + limitMs;
  await life.pass(0);
  while (!condition(life.status())) {
    if (life.clock.now() >= end) {
      const why = life.errors.map(String).slice(-3).join("\n");
      throw new Error(
        `waited in vain for ${what}:\n${life.timeline.slice(-20).join("\n")}\n${why}\n${JSON.stringify(life.status(), null, 1)}`,
      );
    }
    await life.pass(STEP_MS);
  }
}

interface LookOptions {
  readonly server: ApiServer;
  readonly stamp: () => string;
  readonly timeline: string[];
  readonly watchman: ReturnType<typeof createWatchman>;
}

/** Looks at everything after a write, and takes down what the status says. */
function createLook({ server, stamp, timeline, watchman }: LookOptions): () => void {
  let before = "";
  let seen: CanaryStatus | undefined;
  return () => {
    watchman.look();
    const status = statusOf(server);
    if (status === undefined || status === seen) return;
    seen = status;
    watchman.breaches.push(...contractBreaches(status).map((breach) => `${stamp()} ${breach}`));
    const line = lineOf(status);
    if (line !== before && line !== "") timeline.push(`${stamp()} ${line}`);
    before = line;
  };
}

function lineOf({ phase, step, weight, why }: CanaryStatus): string {
  if (phase === undefined) return "";
  return `${phase}${step === undefined ? "" : ` ${step}`} w=${weight ?? 0} ${why?.rule ?? ""}`;
}

type Acting = Pick<Life, "kube" | "server" | "pass">;

let asked = 0;

async function act({ kube, server, pass }: Acting, action: string, extra: object = {}): Promise<string> {
  const name = `${action.toLowerCase()}-${++asked}`;
  const spec = { canaryRef: { name: "web" }, action, ...extra };
  await kube.create(kinds.canaryAction, manifest("aviary.dev/v1beta1", "CanaryAction", name, { spec }));
  await pass(100);
  type Answered = KubeObject & { status?: { phase?: string; message?: string } };
  const { status } = (find(server, kinds.canaryAction, name) ?? {}) as Partial<Answered>;
  return `${status?.phase ?? "unanswered"}: ${status?.message ?? ""}`;
}

function eventsOf(server: ApiServer): readonly KubeEvent[] {
  const { items } = server.list(server.resource("", "v1", "events"), { namespace: NAMESPACE });
  return items as unknown as readonly KubeEvent[];
}

import { createInformers } from "../../src/kube/informers.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Informers } from "../../src/kube/informer.ts";
import type { Deployment, EnvVar, Pod, PodSpec, Service } from "../../src/kube/objects.ts";
import type { Clock } from "../../src/lib/time.ts";
import type { Controller, ControllerContext } from "../../src/sandbox/controllers/controller.ts";
import { startControllers } from "../../src/sandbox/controllers/controllers.ts";
import { createMemoryKube, type MemoryKube } from "../../src/sandbox/memoryKube.ts";
import { podRemover } from "../../src/sandbox/podRemover.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import type { PodRuntime } from "../../src/sandbox/runtime/podRuntime.ts";

/** An in-memory cluster with the sandbox's controllers. */
export interface World {
  readonly kube: MemoryKube;
  readonly informers: Informers;
  readonly context: ControllerContext;
  readonly controllers: Controller;
  readonly logs: readonly string[];
  stop(): Promise<void>;
}

export async function startWorld(
  clock: Clock,
  runtime: PodRuntime,
  prepare: (kube: MemoryKube) => void = () => undefined,
): Promise<World> {
  const kube = createMemoryKube({ now: () => clock.now() });
  prepare(kube);
  const informers = createInformers(kube, clock, { random: () => 0 });
  return startWorldOn({ kube, informers, clock, runtime });
}

interface Ground {
  readonly kube: MemoryKube;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly runtime: PodRuntime;
}

/** The same on an API and caches that the test has made. */
export async function startWorldOn({ kube, informers, clock, runtime }: Ground): Promise<World> {
  const logs: string[] = [];
  const context: ControllerContext = {
    kube,
    informers,
    clock,
    random: seededRandom(1),
    log: (line) => logs.push(line),
  };
  const controllers = await startControllers({ ...context, runtime, removePod: podRemover(kube.server) });
  return {
    kube,
    informers,
    context,
    controllers,
    logs,
    async stop() {
      await controllers.stop();
      await informers.stop();
    },
  };
}

export interface DeploymentWish {
  readonly name?: string;
  readonly replicas?: number;
  readonly version?: string;
  readonly image?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly spec?: Partial<Deployment["spec"]>;
}

const NAMESPACE = "default";

export function aDeployment({ name = "web", replicas = 3, ...wish }: DeploymentWish = {}): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podSpec(wish) },
      ...wish.spec,
    },
  };
}

export function podSpec({ version = "1", image = "example/web:1", env = {} }: DeploymentWish): PodSpec {
  const variables: EnvVar[] = Object.entries({ VERSION: version, ...env }).map(([name, value]) => ({ name, value }));
  return { containers: [{ name: "web", image, ports: [{ name: "http", containerPort: 8080 }], env: variables }] };
}

export function aService(name = "web", selector: Record<string, string> = { app: name }): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: NAMESPACE },
    spec: { selector, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  };
}

/** Changes the version of a Deployment, and what else the wish says of its pods. */
export async function release(kube: MemoryKube, wish: DeploymentWish): Promise<void> {
  const patch = { spec: { template: { spec: podSpec(wish) } } };
  await kube.mergePatch(kinds.deployment, { namespace: NAMESPACE, name: wish.name ?? "web" }, patch);
}

export async function podsOf(kube: MemoryKube): Promise<readonly Pod[]> {
  return (await kube.list<Pod>(kinds.pod, { namespace: NAMESPACE })).items;
}

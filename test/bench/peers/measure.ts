import { join } from "node:path";
import type { Cluster } from "../../cluster/harness/cluster.ts";
import type { ControlPlane } from "../../cluster/harness/controlPlane.ts";
import { waitFor } from "../../cluster/harness/polling.ts";
import { logTail, type RunningProcess } from "../../cluster/harness/processes.ts";
import { cpuSeconds, peakMemoryMiB } from "../figures.ts";
import { accept, keepFollowing, type Route } from "../fleetObserver.ts";
import { inParallel, rest } from "../fleet.ts";
import { measureFloor } from "../floor.ts";
import type { Audit } from "./audit.ts";
import { weightOfRoute } from "./aviary.ts";
import type { Contender, Told } from "./contender.ts";
import { countLoad, type Load } from "./load.ts";

export interface Bench {
  readonly plane: ControlPlane;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly prometheusUrl: string;
  /** Gets the logs. */
  readonly folder: string;
}

export interface Floor {
  /** Milliseconds of every member until its weight was written. */
  readonly weight: readonly number[];
  readonly load: Load;
}

export interface Measured {
  readonly contender: Contender;
  readonly size: number;
  readonly floor: Floor;
  /** Milliseconds of every member, from sending the change of its template until the first weight was seen. */
  readonly first: readonly number[];
  /** From the first change sent until the last first weight, by what they did; the whole fleet's. */
  readonly requests: ReadonlyMap<string, number>;
  /** Of the controller in the same time. */
  readonly cpuSeconds: number;
  /** Of everything in the same time. */
  readonly load: Load;
  /** The most that it held since its start. */
  readonly peakMiB: number;
}

const PATIENCE_MS = 300_000;

/** The floor, and then one controller alone, with a fleet of its own that is gone when this returns. */
export async function measure(bench: Bench, contender: Contender, size: number): Promise<Measured> {
  const floor = await floorAlone(bench, `floor-${contender.name}`, size);
  const namespace = await newNamespace(bench, contender.name, size);
  const { plane, prometheusUrl, folder } = bench;
  const kubeconfig = await plane.kubeconfigFor(contender.serviceAccount);
  const logFile = join(folder, `${namespace}.log`);
  const controller = await contender.start({ kubeconfig, prometheusUrl, logFile });
  const observer = observe(bench.cluster, contender, namespace);
  try {
    const names = Array.from({ length: size }, (_, index) => `${namespace}-${index}`);
    const burst = await releaseAll(bench, { contender, namespace, names, observer, controller });
    // Some have finalizers, which only their controller takes off.
    await removeNamespace(bench.cluster, namespace);
    return { contender, size, floor, ...burst };
  } finally {
    observer.stop();
    await controller.stop(5_000);
  }
}

/** Measured also once for nothing: the first one on a control plane is slow. */
export async function floorAlone(bench: Bench, name: string, size: number): Promise<Floor> {
  const namespace = await newNamespace(bench, name, size);
  const observer = observe(bench.cluster, { weight: weightOfRoute }, namespace);
  try {
    let load: (() => Load) | undefined;
    const { weight } = await measureFloor(bench.cluster, size, {
      namespace,
      onRelease: () => (load = countLoad(Object.values(bench.plane.pids()))),
    });
    if (load === undefined) throw new Error("the floor was released without saying so");
    return { weight, load: load() };
  } finally {
    observer.stop();
    await removeNamespace(bench.cluster, namespace);
  }
}

interface Fleet {
  readonly contender: Contender;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly observer: Observer;
  readonly controller: RunningProcess;
}

async function releaseAll(
  { plane, cluster, audit }: Bench,
  { contender, namespace, names, observer, controller }: Fleet,
): Promise<Pick<Measured, "first" | "requests" | "cpuSeconds" | "load" | "peakMiB">> {
  await inParallel(names, 8, async (name) => {
    for (const manifest of contender.manifests(name, namespace)) await cluster.create(manifest);
  });
  const until = async (what: string, condition: (name: string) => boolean): Promise<void> => {
    await waitFor(`${names.length} members of ${namespace} ${what}`, () => names.filter((name) => !condition(name)), {
      timeoutMs: PATIENCE_MS,
      intervalMs: 20,
      until: (late) => late.length === 0 || !controller.running(),
    });
    if (!controller.running()) throw new Error(`${controller.name} ended: ${logTail(controller)}`);
  };
  await until("to rest", (name) => observer.rests(name));
  await rest();
  const cpuBefore = cpuSeconds(controller.pid);
  const load = countLoad([...Object.values(plane.pids()), controller.pid]);
  const from = Date.now();
  const sent = new Map<string, number>();
  await inParallel(names, 32, async (name) => {
    sent.set(name, Date.now());
    const ref = { ...contender.released, name, namespace };
    const image = { op: "replace", path: "/spec/template/spec/containers/0/image", value: "registry.test/web:2" };
    await cluster.patch(ref, [image], { type: "json" });
  });
  await until("to have the first weight", (name) => observer.weightAt(name) !== undefined);
  const to = Date.now();
  const spent = load();
  return {
    first: names.map((name) => (observer.weightAt(name) ?? Number.NaN) - (sent.get(name) ?? 0)),
    requests: audit.count(contender.serviceAccount, { from, to }),
    cpuSeconds: cpuSeconds(controller.pid) - cpuBefore,
    load: spent,
    peakMiB: peakMemoryMiB(controller.pid),
  };
}

interface Observer {
  rests(name: string): boolean;
  /** When the weight was seen above 0 first (epoch milliseconds). */
  weightAt(name: string): number | undefined;
  stop(): void;
}

/** Watches the members of a namespace, and accepts HTTPRoutes as a gateway does. */
function observe(
  cluster: Cluster,
  contender: Pick<Contender, "weight"> & Partial<Contender>,
  namespace: string,
): Observer {
  const ending = new AbortController();
  const resting = new Map<string, boolean>();
  const weightAt = new Map<string, number>();
  const follow = <T>(told: Told<T>, note: (member: string, value: T) => void): void => {
    const { apiVersion, kind } = told;
    void keepFollowing(cluster, { apiVersion, kind, namespace, signal: ending.signal }, (object) => {
      const read = told.read(object);
      if (read !== undefined) note(read.member, read.value);
      if (kind === "HTTPRoute") void accept(cluster, object as Route).catch(() => undefined);
    });
  };
  if (contender.rest !== undefined) follow(contender.rest, (member, rests) => resting.set(member, rests));
  follow(contender.weight, (member, percent) => {
    if (percent > 0 && !weightAt.has(member)) weightAt.set(member, Date.now());
  });
  return {
    rests: (name) => resting.get(name) === true,
    weightAt: (name) => weightAt.get(name),
    stop: () => {
      ending.abort();
    },
  };
}

async function newNamespace({ cluster }: Bench, name: string, size: number): Promise<string> {
  const namespace = `${name.toLowerCase().replaceAll(/[^a-z]+/g, "-")}-${size}`;
  await cluster.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  return namespace;
}

async function removeNamespace(cluster: Cluster, name: string): Promise<void> {
  const ref = { apiVersion: "v1", kind: "Namespace", name };
  await cluster.delete(ref);
  const gone = async (): Promise<boolean> => (await cluster.get(ref)) === undefined;
  await waitFor(`namespace ${name} to be gone`, gone, { timeoutMs: PATIENCE_MS, intervalMs: 500 });
}

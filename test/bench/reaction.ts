/**
 * `npm run bench:reaction`: how fast Aviary reacts on a real control plane with KWOK, and what it costs.
 *
 * For 1, then 30, then 200 canaries released at once it prints
 *   - the time from sending the change of the template until the first weight is seen on the route, with the part in
 *     which the canary's pods got ready shown apart;
 *   - the time from the answer of the metrics back-end that decides until weight 0 is seen on the route;
 *   - CPU and memory of the controller, and its requests to the API server while nothing happens.
 *
 * The Canaries say `settle: 0s`: there is no data plane here that could be slower than the API. With a real one, its
 * settle time comes between the pods' readiness and the first weight, so that no request meets an unknown endpoint.
 *
 * The driver, the control plane and the controller share the machine, so read the figures side by side, and not as
 * absolutes. `--sizes 1,30,200` chooses the sizes, `--idle 60` the seconds of the idle measurement, `--node FLAG` what
 * Node is started with beside the flags of the Dockerfile.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBinaries } from "../cluster/harness/binaries.ts";
import { connect } from "../cluster/harness/cluster.ts";
import type { Cluster } from "../cluster/harness/cluster.ts";
import { startControlPlane } from "../cluster/harness/controlPlane.ts";
import { waitFor } from "../cluster/harness/polling.ts";
import type { StubPrometheus } from "../cluster/harness/stubPrometheus.ts";
import { startStubPrometheus } from "../cluster/harness/stubPrometheus.ts";
import { compiled, startAviary } from "./controller.ts";
import { cpuSeconds, kindsEach, memoryMiB, spread } from "./figures.ts";
import { measureFloor } from "./floor.ts";
import type { FloorTimes } from "./floor.ts";
import { canariesIn, createCanaries, NAMESPACE, release } from "./fleet.ts";
import { observeFleet } from "./fleetObserver.ts";
import type { FleetObserver } from "./fleetObserver.ts";

interface Bench {
  readonly cluster: Cluster;
  readonly prometheus: StubPrometheus;
  readonly observer: FleetObserver;
  readonly pid: number;
  readonly metricsUrl: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "1,30,200" },
      idle: { type: "string", default: "60" },
      node: { type: "string", multiple: true, default: [] },
    },
  });
  const sizes = values.sizes.split(",").map(Number);
  const { gatewayCrds } = await ensureBinaries(print);
  const main = compiled();
  const folder = mkdtempSync(join(tmpdir(), "aviary-bench-"));
  const plane = await startControlPlane();
  const prometheus = await startStubPrometheus();
  const cluster = connect({ url: plane.url, caFile: plane.caFile, token: plane.adminToken });
  try {
    await cluster.installCrds(gatewayCrds);
    await cluster.installCrds("crds");
    const applied = await plane.kubectl(["apply", "-k", "deploy"]);
    if (applied.code !== 0) throw new Error(`kubectl apply -k deploy: ${applied.stderr}`);
    const kubeconfig = await plane.kubeconfigFor({ namespace: "aviary", name: "aviary" });
    const aviary = await startAviary({
      main,
      kubeconfig,
      prometheusUrl: prometheus.url,
      nodeFlags: values.node,
      logFile: join(folder, "controller.log"),
    });
    await cluster.client.request({
      method: "POST",
      path: "/api/v1/namespaces",
      body: { metadata: { name: NAMESPACE } },
    });
    const observer = await observeFleet(cluster);
    const bench = {
      cluster,
      prometheus,
      observer,
      pid: aviary.process.pid,
      metricsUrl: aviary.metricsUrl,
    };
    print(`controller alone: ${memoryMiB(aviary.process.pid).toFixed(0)} MiB`);
    let made = 0;
    for (const size of sizes) {
      const floor = await measureFloor(cluster, size);
      await createCanaries(cluster, { from: made, to: size });
      made = size;
      await run(bench, size, floor);
    }
    await idle(bench, made, Number(values.idle));
    observer.stop();
    await aviary.process.stop(5_000);
  } finally {
    await prometheus.close();
    await cluster.close();
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(bench: Bench, size: number, floor: FloorTimes): Promise<void> {
  const { cluster, prometheus, observer, pid } = bench;
  const names = canariesIn(size);
  prometheus.answer("success", 1);
  await observer.until(`${size} canaries to rest`, names, ({ phase }) => phase === "Idle" || phase === "Failed");
  await untilQuiet(bench.metricsUrl);
  const cpuBefore = cpuSeconds(pid);
  const asked = await requests(bench.metricsUrl);
  const sent = await release(cluster, names, `v${size}`);
  await observer.until("the first weight", names, ({ weight }) => (weight ?? 0) > 0);
  const requestsEach = each(await requests(bench.metricsUrl), asked, size);
  const first = names.map((name) => (observer.at(name).weightAt ?? 0) - (sent.get(name) ?? 0));
  const pods = names.map((name) => (observer.at(name).readyAt ?? 0) - (sent.get(name) ?? 0));
  const after = names.map((name) => (observer.at(name).weightAt ?? 0) - (observer.at(name).readyAt ?? 0));
  print(`\n${size} ${size === 1 ? "canary" : "canaries"} released at once`);
  print(`  change sent -> first weight on the route   ${spread(first)}`);
  print(`    floor: any controller that only scales and shifts   ${spread(floor.weight)}`);
  print(`    of that: canary pods ready               ${spread(pods)}`);
  print(`    of that: pods ready -> weight            ${spread(after)}`);
  print(`    requests to the API server until then    ${requestsEach}`);
  await observer.until("the analysis to begin", names, ({ analysing }) => analysing);
  const answered = new Map<string, number>();
  prometheus.answer("success", (query) => {
    const name = /success_(bench-\d+)/.exec(query.replaceAll("_canary", ""))?.[1] ?? "";
    if (!answered.has(name)) answered.set(name, Date.now());
    return 0;
  });
  const badAt = Date.now();
  await observer.until("weight 0", names, ({ weight }) => weight === 0);
  const rollback = names.map((name) => (observer.at(name).zeroAt ?? 0) - (answered.get(name) ?? Number.NaN));
  const whole = names.map((name) => (observer.at(name).zeroAt ?? 0) - badAt);
  print(`  deciding answer -> weight 0 on the route   ${spread(rollback)}`);
  print(`  metric turns bad -> weight 0               ${spread(whole)}   (interval 10 s, no failure tolerated)`);
  await observer.until("Failed", names, ({ phase }) => phase === "Failed");
  print(`    requests to the API server, all in all   ${each(await requests(bench.metricsUrl), asked, size)}`);
  print(
    `  controller: ${(cpuSeconds(pid) - cpuBefore).toFixed(2)} s CPU for all of it, ${memoryMiB(pid).toFixed(0)} MiB`,
  );
}

async function idle({ metricsUrl, pid }: Bench, size: number, seconds: number): Promise<void> {
  await untilQuiet(metricsUrl);
  const before = await requests(metricsUrl);
  const cpu = cpuSeconds(pid);
  await sleep(seconds * 1_000);
  const sent = total(await requests(metricsUrl)) - total(before);
  print(`\n${size} canaries idle for ${seconds} s`);
  print(`  requests to the API server: ${sent} (${(sent * 60) / seconds / size} a minute and canary)`);
  print(
    `  controller: ${(((cpuSeconds(pid) - cpu) * 60) / seconds).toFixed(2)} s CPU a minute, ${memoryMiB(pid).toFixed(0)} MiB, ${(await heapMiB(metricsUrl)).toFixed(0)} MiB of heap in use`,
  );
}

async function heapMiB(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1] ?? Number.NaN) / 2 ** 20;
}

/** Events are told one by one, and after the last decision: Aviary rests when they are out. */
async function untilQuiet(url: string): Promise<void> {
  await waitFor("the last event to be written", () => quiet(url), {
    timeoutMs: 120_000,
    intervalMs: 100,
    until: Boolean,
  });
}

async function quiet(url: string): Promise<boolean> {
  const before = total(await requests(url));
  await sleep(5_000);
  return total(await requests(url)) === before;
}

/** Requests to the API server so far, by what they did, such as `patch Deployment`. */
async function requests(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(url)).text();
  const counts = new Map<string, number>();
  for (const [, labels = "", count] of text.matchAll(/^aviary_kube_requests_total\{(.*)\} (\d+)/gm)) {
    const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
    const what = `${label("verb")} ${label("kind")}`;
    counts.set(what, (counts.get(what) ?? 0) + Number(count));
  }
  return counts;
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Requests between two counts for each of `size` canaries, with the most frequent kinds of them. */
function each(after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>, size: number): string {
  const sent = new Map([...after].map(([what, count]) => [what, count - (before.get(what) ?? 0)]));
  return `${(total(sent) / size).toFixed(1)} a canary: ${kindsEach(sent, size)}`;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();

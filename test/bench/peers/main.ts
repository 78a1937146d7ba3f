/**
 * `npm run bench:peers`: Aviary beside Argo Rollouts and Flagger, on one control plane with KWOK in one run.
 *
 * For 30 and then 200 members released at once it measures of every controller, alone and with a fleet of its own:
 *   - the time from sending the change of the template until the first weight is seen on the route or the Ingress,
 *     beside the floor of test/bench/floor.ts measured just before;
 *   - its requests to the API server until then, from the server's audit log, without watches and leases;
 *   - its CPU in that time, and the most memory that it held.
 *
 * The peers are built from the Go modules that their go.mod here pins (minutes, once; into the cache of the control
 * plane). They get the limits of the control plane's own clients (1000 requests a second), 50 workers a queue, all
 * rights, and no leader election. `--sizes 30,200` chooses the sizes, `--only Aviary,Flagger` the controllers.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBinaries } from "../../cluster/harness/binaries.ts";
import { type Cluster, connect } from "../../cluster/harness/cluster.ts";
import { type ControlPlane, startControlPlane } from "../../cluster/harness/controlPlane.ts";
import { startStubPrometheus } from "../../cluster/harness/stubPrometheus.ts";
import { compiled } from "../controller.ts";
import { argoRollouts } from "./argoRollouts.ts";
import { auditOf } from "./audit.ts";
import { aviary } from "./aviary.ts";
import { ensurePeers } from "./binaries.ts";
import type { Contender } from "./contender.ts";
import { flagger } from "./flagger.ts";
import { type Bench, floorAlone, type Measured, measure } from "./measure.ts";
import { requestsOf, tableOf } from "./table.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { sizes: { type: "string", default: "30,200" }, only: { type: "string", default: "" } },
  });
  const { gatewayCrds } = await ensureBinaries(print);
  const peers = await ensurePeers(print);
  const all = [aviary(compiled()), argoRollouts(peers.argoRollouts), flagger(peers.flagger)];
  const chosen = all.filter(({ name }) => values.only === "" || values.only.split(",").includes(name));
  const folder = mkdtempSync(join(tmpdir(), "aviary-peers-"));
  const audit = auditOf(
    all.map(({ serviceAccount }) => serviceAccount),
    folder,
  );
  const plane = await startControlPlane(audit);
  const prometheus = await startStubPrometheus();
  prometheus.answer("success", 1);
  const cluster = connect({ url: plane.url, caFile: plane.caFile, token: plane.adminToken });
  try {
    for (const crds of [gatewayCrds, "crds"]) await cluster.installCrds(crds);
    await kubectl(plane, ["apply", "--server-side", "-f", peers.argoRollouts.crds, "-f", peers.flagger.crds]);
    await kubectl(plane, ["wait", "--for=condition=Established", "crd", "--all"]);
    await admit(plane, cluster, all);
    const bench = { plane, cluster, audit, prometheusUrl: prometheus.url, folder };
    print(`\n${await measureAll(bench, chosen, values.sizes.split(",").map(Number))}`);
  } finally {
    await prometheus.close();
    await cluster.close();
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAll(bench: Bench, contenders: readonly Contender[], sizes: readonly number[]): Promise<string> {
  const done: Measured[] = [];
  await floorAlone(bench, "warm-up", 30);
  for (const size of sizes) {
    for (const contender of contenders) {
      const measured = await measure(bench, contender, size);
      print(`${tableOf([measured]).split("\n").at(-1) ?? ""}\n${requestsOf(measured)}`);
      done.push(measured);
    }
  }
  return tableOf(done);
}

/** Aviary's rights are those that it ships; the peers have all. */
async function admit(plane: ControlPlane, cluster: Cluster, contenders: readonly Contender[]): Promise<void> {
  await kubectl(plane, ["apply", "-k", "deploy"]);
  await cluster.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "peers" } });
  const accounts = contenders
    .map(({ serviceAccount }) => serviceAccount)
    .filter(({ namespace }) => namespace === "peers");
  for (const metadata of accounts) await cluster.create({ apiVersion: "v1", kind: "ServiceAccount", metadata });
  await cluster.create({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "peers" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: accounts.map((account) => ({ kind: "ServiceAccount", ...account })),
  });
}

async function kubectl(plane: ControlPlane, args: readonly string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();

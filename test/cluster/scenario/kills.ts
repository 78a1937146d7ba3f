import { expect, test } from "vitest";
import type { CanaryStatus } from "../../../src/api/status.ts";
import type { Service } from "../../../src/kube/objects.ts";
import { waitFor } from "../harness/polling.ts";
import type { Bench } from "../scenario.ts";
import type { ControllerProcess } from "./controllerProcess.ts";
import { deleteCanary } from "./endings.ts";
import { expectUnharmed } from "./rollouts.ts";
import { type Shop, stepsOf } from "./shop.ts";
import { describeWrite, type Fate, startWriteProxy, type Write } from "./writeProxy.ts";

/** A controller of one namespace that is killed at writes, and started again each time. */
interface Mortal {
  /** The writes at which it was killed. */
  readonly deaths: readonly string[];
  /** Writes of weights count as new from now on: moving to 0 is another matter in a promotion than in a rollback. */
  nextChapter(): void;
  stop(): Promise<void>;
}

/** Kills the controller at the first write of each kind; `fate` says whether that write is stored. */
async function startMortal(bench: Bench, namespace: string, fate: Fate): Promise<Mortal> {
  const seen = new Set<string>();
  const deaths: string[] = [];
  let current: ControllerProcess | undefined;
  let ending = false;
  const proxy = await startWriteProxy({
    url: bench.controlPlane.url,
    caFile: bench.controlPlane.caFile,
    fate: (write: Write) => {
      const kind = describeWrite(write);
      if (fate === "passes" || seen.has(kind) || kind.includes("events")) return "passes";
      seen.add(kind);
      deaths.push(kind);
      return fate;
    },
    onCut: () => current?.process.kill("SIGKILL"),
  });
  const kubeconfig = bench.kubeconfig(proxy.url);
  const lives = (async () => {
    while (!ending) {
      current = bench.launch({ kubeconfig, args: ["--namespace", namespace] });
      await current.process.exited;
    }
  })();
  return {
    deaths,
    nextChapter: () => {
      for (const kind of seen) if (kind.includes("httproutes")) seen.delete(kind);
    },
    stop: async () => {
      ending = true;
      await current?.process.stop();
      await lives;
      await proxy.close();
    },
  };
}

/** What users and Git see of a shop, without anything that differs between two lives. */
function endState(bench: Bench, shop: Shop): object {
  const { namespace } = shop;
  const target = shop.deployment("web");
  const primary = shop.deployment("web-primary");
  const { phase, weight, history, promoted, failed, adopted, primaryLabel }: CanaryStatus = shop.status();
  const selectors = ["web", "web-primary", "web-canary"].map(
    (name) => bench.journal.latest<Service>("Service", { namespace, name })?.spec.selector,
  );
  return {
    target: [target?.spec.replicas, target?.spec.paused ?? false, target?.spec.template.spec.containers[0]?.image],
    primary: [primary?.spec.replicas, primary?.spec.template.spec.containers[0]?.image],
    weights: shop.weights(),
    selectors,
    fed: ["web-aviary", "web-primary-aviary"].map(
      (name) => bench.journal.latest("EndpointSlice", { namespace, name }) !== undefined,
    ),
    status: { phase, weight, promoted: promoted?.images, failed: failed?.images, adopted, primaryLabel },
    history: history?.map(({ outcome, images }) => [outcome, images]),
  };
}

/** Adoption, a promotion with an approval, a rollback and a deletion, with a controller that may die at any write. */
async function live(bench: Bench, fate: Fate): Promise<{ states: object[]; deaths: readonly string[]; shop: Shop }> {
  const spec = stepsOf({ weight: 20, hold: "1s" }, { pause: {} }, { weight: 50, hold: "1s" });
  const shop = await bench.shop({ spec });
  const mortal = await startMortal(bench, shop.namespace, fate);
  const states: object[] = [];
  const note = (): void => {
    states.push(endState(bench, shop));
    mortal.nextChapter();
  };
  // It is made after the status has said that the target is adopted, and stays until the Canary is deleted.
  const standBy = () =>
    waitFor("the slice behind the apex Service", () =>
      bench.journal.latest("EndpointSlice", { namespace: shop.namespace, name: "web-aviary" }),
    );
  const patience = 120_000;
  try {
    await shop.until("adoption", ({ phase }) => phase === "Idle", patience);
    await standBy();
    note();
    await shop.release("2");
    await shop.until("the pause", ({ why }) => why?.rule === "waitForApproval", patience);
    note();
    await approve(bench, shop);
    await shop.until("promotion", ({ phase }) => phase === "Succeeded", patience);
    note();
    shop.measures(0);
    await shop.release("3");
    await shop.until("rollback", ({ phase, rollout }) => phase === "Failed" && rollout === undefined, patience);
    note();
    await deleteCanary(bench, shop);
    await shop.gone();
    note();
  } finally {
    await mortal.stop();
  }
  return { states, deaths: mortal.deaths, shop };
}

async function approve({ cluster }: Bench, { namespace }: Shop): Promise<void> {
  await cluster.create({
    apiVersion: "aviary.dev/v1beta1",
    kind: "CanaryAction",
    metadata: { name: "approve", namespace },
    spec: { canaryRef: { name: "web" }, action: "Approve" },
  });
}

/** Kinds of writes of which at least one must have been hit. */
const everyKind = [
  /canaries\/web .*finalizers/,
  /canaries\/web\/status/,
  /canaryactions\/status/,
  /PATCH services\/web-canary/,
  /PATCH services\/web add/,
  /PATCH endpointslices/,
  /DELETE endpointslices/,
  /PATCH deployments\/web-primary/,
  /DELETE deployments\/web-primary/,
  /deployments\/web .*replicas=1/,
  /deployments\/web .*paused=true/,
  /deployments\/web .*replicas=0 remove \/spec\/paused/,
  /httproutes\/web .*=20/,
];

/** Over a hundred starts of a process, on a machine that may be busy. */
const PATIENCE_MS = 400_000;

export function kills(bench: () => Bench): void {
  test(
    "a controller that dies at every kind of write, stored or not, comes to the same end",
    { timeout: PATIENCE_MS },
    async () => {
      const began = Date.now();
      const fates = ["passes", "lost", "unanswered"] as const;
      const [undisturbed, lost, unanswered] = await Promise.all(fates.map((fate) => live(bench(), fate)));
      console.log(`killed at ${lost?.deaths.length} and ${unanswered?.deaths.length} writes, ${Date.now() - began} ms`);
      for (const life of [lost, unanswered]) {
        if (life === undefined) continue;
        console.log(life.deaths.join("\n"));
        expect(life.states).toEqual(undisturbed?.states);
        for (const kind of everyKind)
          expect(
            life.deaths.some((death) => kind.test(death)),
            String(kind),
          ).toBe(true);
        expectUnharmed(bench(), life.shop);
      }
    },
  );
}

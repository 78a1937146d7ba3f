import { join } from "node:path";
import { expect, test } from "vitest";
import type { KubeObject } from "../harness/cluster.ts";
import { waitFor } from "../harness/polling.ts";
import type { Bench } from "../scenario.ts";
import { deleteCanary } from "./endings.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import type { Shop } from "./shop.ts";

const SECRET = "correct-horse-battery-staple";

interface Data extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Configures the pods of a shop, which is a release. */
async function configure(bench: Bench, { namespace }: Shop): Promise<void> {
  await bench.cluster.apply([
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "config", namespace }, data: { GREETING: "hello" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "token", namespace }, stringData: { token: SECRET } },
  ]);
  const container = { name: "main", envFrom: [{ configMapRef: { name: "config" } }] };
  const volumes = [{ name: "token", secret: { secretName: "token" } }];
  const body = { spec: { template: { spec: { containers: [container], volumes } } } };
  const web = { apiVersion: "apps/v1", kind: "Deployment", namespace, name: "web" };
  await bench.cluster.patch(web, body, { type: "strategic" });
}

async function greet(bench: Bench, { namespace }: Shop, greeting: string): Promise<void> {
  const ref = { apiVersion: "v1", kind: "ConfigMap", namespace, name: "config" };
  await bench.cluster.patch(ref, { data: { GREETING: greeting } });
}

/** What the copies of the primary hold, by kind, once those of the version before are gone. */
async function copied(bench: Bench, { namespace }: Shop): Promise<Record<string, Data["data"]>> {
  const kinds = ["ConfigMap", "Secret"];
  const lists = await waitFor(
    "one copy of each kind",
    () =>
      Promise.all(
        kinds.map((kind) =>
          bench.cluster.list<Data>({ apiVersion: "v1", kind, namespace, labelSelector: "aviary.dev/copy-for=web" }),
        ),
      ),
    { until: (found) => found.every(({ length }) => length <= 1) },
  );
  return Object.fromEntries(kinds.map((kind, index) => [kind, lists[index]?.[0]?.data]));
}

const token = Buffer.from(SECRET).toString("base64");

export function configurations(bench: () => Bench): void {
  test("a change of configuration is released, another is rolled back, and nothing of it is left at the end", async () => {
    const shop = await adopted(bench());
    const promotions = (count: number) =>
      shop.until(`promotion ${count}`, ({ phase, history = [] }) => phase === "Succeeded" && history.length === count);
    await configure(bench(), shop);
    await promotions(1);
    expect(await copied(bench(), shop)).toEqual({ ConfigMap: { GREETING: "hello" }, Secret: { token } });
    await greet(bench(), shop, "goodbye");
    await promotions(2);
    expect(await copied(bench(), shop)).toEqual({ ConfigMap: { GREETING: "goodbye" }, Secret: { token } });
    const primary = shop.deployment("web-primary")?.metadata.generation;
    shop.measures(0.5);
    await greet(bench(), shop, "boom");
    await shop.outcome("Failed");
    expect(await copied(bench(), shop)).toEqual({ ConfigMap: { GREETING: "goodbye" }, Secret: { token } });
    expect(shop.deployment("web-primary")?.metadata.generation).toBe(primary);
    await deleteCanary(bench(), shop);
    await shop.gone();
    expect(await copied(bench(), shop)).toEqual({});
    expect(JSON.stringify(shop.deployment("web")?.spec.template)).toContain('"secretName":"token"');
    expect(bench().logs()).not.toContain(SECRET);
    expect(bench().logs()).not.toContain(token);
    expectUnharmed(bench(), shop);
  });
}

const role = join(import.meta.dirname, "../../../deploy/track-secrets-role.yaml");

/** With a controller of its own, started so, and without the one file of `deploy/` that lets it read Secrets. */
export function withoutSecrets(bench: () => Bench): void {
  test("a controller that may not read Secrets tracks ConfigMaps alone, and asks for no Secret", async () => {
    await bench().kubectl(["delete", "-f", role]);
    const controller = bench().launch({ args: ["--track-secrets=false"] });
    await controller.said("the controller is running");
    const shop = await adopted(bench());
    const { namespace } = shop;
    await configure(bench(), shop);
    const promotions = (count: number) =>
      shop.until(`promotion ${count}`, ({ phase, history = [] }) => phase === "Succeeded" && history.length === count);
    await promotions(1);
    expect(await copied(bench(), shop)).toEqual({ ConfigMap: { GREETING: "hello" }, Secret: undefined });
    expect(JSON.stringify(shop.deployment("web-primary")?.spec.template)).toContain('"secretName":"token"');
    const secret = { apiVersion: "v1", kind: "Secret", namespace, name: "token" };
    await bench().cluster.patch(secret, { stringData: { token: "another" } });
    await greet(bench(), shop, "goodbye");
    await promotions(2);
    expect(await copied(bench(), shop)).toEqual({ ConfigMap: { GREETING: "goodbye" }, Secret: undefined });
    await deleteCanary(bench(), shop);
    await shop.gone();
    expectUnharmed(bench(), shop);
    await controller.process.stop();
    await bench().kubectl(["apply", "-f", role]);
  });
}

import { Agent } from "undici";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createKube } from "../../src/kube/client.ts";
import { createInformers } from "../../src/kube/informers.ts";
import type { Cache, Informers } from "../../src/kube/informer.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { systemClock } from "../../src/lib/time.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { startApiServer } from "../../src/sandbox/apiserver/http.ts";
import type { RunningApiServer } from "../../src/sandbox/apiserver/http.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import type { MemoryKube } from "../../src/sandbox/memoryKube.ts";
import { plainConnection } from "./stubServer.ts";

const core = createApiServer();
let server: RunningApiServer;
let agent: Agent;
let informers: Informers;
let direct: MemoryKube;
let told: string[];

beforeEach(async () => {
  server = await startApiServer({ core, port: 0 });
  agent = new Agent();
  direct = createMemoryKube({ server: core });
  const kube = createKube(plainConnection(server.url, agent));
  informers = createInformers(kube, systemClock, { random: () => 0 });
  told = [];
});
afterEach(async () => {
  await informers.stop();
  await agent.destroy();
  await server.stop();
});

const lease = (name: string): KubeObject => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { namespace: "default", name },
});
const namesIn = (cache: Cache<KubeObject>): string[] => cache.list().map(({ metadata }) => metadata.name);

async function restart(meanwhile: () => Promise<void>): Promise<void> {
  const port = Number(new URL(server.url).port);
  await server.stop();
  await meanwhile();
  server = await startApiServer({ core, port });
}

test.for<{ name: string; forget: boolean }>([
  { name: "that remembers", forget: false },
  { name: "that has forgotten its history", forget: true },
])("after a restart of a server $name the cache and its listeners know what happened meanwhile", async ({ forget }) => {
  for (const name of ["kept", "changed", "deleted"]) await direct.create(kinds.lease, lease(name));
  const cache = informers.cache(kinds.lease);
  informers.onChange(kinds.lease, ({ before, after }) => {
    if (informers.cache(kinds.lease).state === "synced") {
      told.push(`${before?.metadata.name ?? "–"} → ${after?.metadata.name ?? "–"}`);
    }
  });
  await informers.ready();
  told.length = 0;
  await restart(async () => {
    await direct.create(kinds.lease, lease("new"));
    await direct.mergePatch(
      kinds.lease,
      { namespace: "default", name: "changed" },
      { metadata: { labels: { a: "b" } } },
    );
    await direct.delete(kinds.lease, { namespace: "default", name: "deleted" });
    if (forget) core.store.compact();
  });
  await vi.waitFor(() => expect(namesIn(cache).toSorted()).toEqual(["changed", "kept", "new"]), { timeout: 10_000 });
  expect(cache.get("default/changed")?.metadata.labels).toEqual({ a: "b" });
  expect(told.toSorted()).toEqual(["changed → changed", "deleted → –", "– → new"].toSorted());
  for (const name of ["kept", "changed", "new"]) await direct.delete(kinds.lease, { namespace: "default", name });
});

import { expect, it } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import { createFreshReads } from "../../src/kube/fresh.ts";
import { createInformers } from "../../src/kube/informers.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { silentLog } from "../../src/lib/log.ts";
import { reportUnreadable } from "../../src/report/notices.ts";
import { createTelemetry } from "../../src/server/telemetry.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { createVirtualClock } from "../virtualClock.ts";
import { install } from "../lives/cluster.ts";
import { aCanary, NAMESPACE } from "../lives/manifests.ts";

it("says of a Canary that cannot be read what is wrong with it, once", async () => {
  const clock = createVirtualClock();
  const server = createApiServer({ now: () => clock.now(), namespaces: [NAMESPACE] });
  install(server);
  let writes = 0;
  const kube = createMemoryKube({ server, after: () => (writes += 1) });
  const informers = createInformers(kube, clock);
  const told: string[] = [];
  const events = { record: ({ note }: { note: string }) => told.push(note), flush: async () => {}, dropped: () => 0 };
  const options = {
    kube,
    reads: createFreshReads(informers, clock),
    events,
    telemetry: createTelemetry(),
    log: silentLog,
    signal: new AbortController().signal,
    now: clock.now(),
  };
  const created = await kube.create(kinds.canary, aCanary());
  await reportUnreadable(created, "spec.traffic: choose one", options);
  const stored = await kube.get<KubeObject & { status?: CanaryStatus }>(kinds.canary, created.metadata);
  expect(stored?.status?.conditions?.find(({ type }) => type === "Stalled")).toMatchObject({
    status: "True",
    reason: "InvalidSpec",
    message: "the Canary cannot be read: spec.traffic: choose one. Until you correct it, nothing is done for it",
  });
  expect(told).toHaveLength(1);
  const before = writes;
  if (stored !== undefined) await reportUnreadable(stored, "spec.traffic: choose one", options);
  expect(writes).toBe(before);
  await informers.stop();
});

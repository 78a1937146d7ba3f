import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { SERVICE_NAME_LABEL, SLICE_MANAGED_BY_LABEL, type EndpointSlice } from "../../src/kube/objects.ts";
import { readyPorts } from "../../src/sandbox/gateway/endpoints.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { createVirtualClock, type VirtualClock } from "../virtualClock.ts";
import { aDeployment, aService, podsOf, startWorld, type World } from "./world.ts";

let clock: VirtualClock;
let world: World;

beforeEach(async () => {
  clock = createVirtualClock();
  world = await startWorld(clock, createInstantRuntime());
});

afterEach(async () => {
  await world.stop();
  expect(world.logs).toEqual([]);
});

const slices = (): readonly EndpointSlice[] =>
  world.informers.cache<EndpointSlice>(kinds.endpointSlice).list("default");

const endpoints = () => slices().flatMap((slice) => slice.endpoints ?? []);

const ready = () => readyPorts(aService(), slices()).get(80) ?? [];

describe("the slices of a Service", () => {
  it("hold the ready pods that its selector matches, at the port that they call by its name", async () => {
    await world.kube.create(kinds.service, aService());
    await world.kube.create(kinds.deployment, aDeployment({ replicas: 2 }));
    await world.kube.create(kinds.deployment, aDeployment({ name: "other", replicas: 1 }));
    await clock.advance(2_000);
    const pods = (await podsOf(world.kube)).filter(({ metadata }) => metadata.labels?.["app"] === "web");
    const wanted = pods.map(({ status }) => ({ ip: status?.podIP ?? "", port: 8080 }));
    expect(new Set(ready())).toEqual(new Set(wanted));
    expect(endpoints().every(({ targetRef }) => targetRef?.kind === "Pod")).toBe(true);
  });

  it("follow the selector when it moves to other pods", async () => {
    await world.kube.create(kinds.service, aService());
    await world.kube.create(kinds.deployment, aDeployment({ name: "other", replicas: 1 }));
    await clock.advance(2_000);
    expect(ready()).toEqual([]);
    await world.kube.mergePatch(
      kinds.service,
      { namespace: "default", name: "web" },
      { spec: { selector: { app: "other" } } },
    );
    await clock.advance(10);
    expect(ready()).toHaveLength(1);
  });

  it("keep a pod that is being ended, as serving but not as ready, until it is gone", async () => {
    await world.kube.create(kinds.service, aService());
    const env = { SHUTDOWN_DELAY_MS: "3000" };
    await world.kube.create(kinds.deployment, aDeployment({ replicas: 1, env }));
    await clock.advance(2_000);
    await world.kube.mergePatch(kinds.deployment, { namespace: "default", name: "web" }, { spec: { replicas: 0 } });
    await clock.advance(100);
    expect(endpoints().map(({ conditions }) => conditions)).toEqual([
      { ready: false, serving: true, terminating: true },
    ]);
    expect(ready()).toEqual([]);
    await clock.advance(5_000);
    expect(endpoints()).toEqual([]);
  });

  it.each([{ READY: "false" }, { START_DELAY_MS: "60000" }])("do not call a pod with %o ready", async (env) => {
    await world.kube.create(kinds.service, aService());
    await world.kube.create(kinds.deployment, aDeployment({ replicas: 1, env }));
    await clock.advance(2_000);
    expect(ready()).toEqual([]);
  });

  it("are joined by those of others, which are never touched", async () => {
    await world.kube.create(kinds.service, aService("web", { app: "nobody" }));
    const foreign: EndpointSlice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "web-feed",
        namespace: "default",
        labels: { [SERVICE_NAME_LABEL]: "web", [SLICE_MANAGED_BY_LABEL]: "aviary.dev" },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 9000, protocol: "TCP" }],
      endpoints: [{ addresses: ["127.0.0.9"], conditions: { ready: true } }],
    };
    const made = await world.kube.create(kinds.endpointSlice, foreign);
    await world.kube.create(kinds.deployment, aDeployment({ replicas: 1 }));
    await clock.advance(5_000);
    expect(ready()).toEqual([{ ip: "127.0.0.9", port: 9000 }]);
    const kept = slices().find(({ metadata }) => metadata.name === "web-feed");
    expect(kept?.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  it("go when the Service goes", async () => {
    await world.kube.create(kinds.service, aService());
    await clock.advance(100);
    expect(slices()).toHaveLength(1);
    await world.kube.delete(kinds.service, { namespace: "default", name: "web" });
    await clock.advance(100);
    expect(slices()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { capacity } from "./scenario/capacity.ts";
import { configurations, withoutSecrets } from "./scenario/configurations.ts";
import { complaints, type ControllerProcess } from "./scenario/controllerProcess.ts";
import { dataPlanes } from "./scenario/dataPlanes.ts";
import { endings } from "./scenario/endings.ts";
import { handOver, idleness, watchLoss } from "./scenario/faults.ts";
import { kills } from "./scenario/kills.ts";
import { requests } from "./scenario/requests.ts";
import { rollouts } from "./scenario/rollouts.ts";
import { type Bench, startBench } from "./scenario.ts";

/*
 * Whole lives of canaries on a real control plane: the controller runs as its own process under exactly the
 * ServiceAccount that `deploy/` ships. What waits for time runs side by side; what harms the controller, one by one.
 */

let bench: Bench;
const theBench = (): Bench => bench;

beforeAll(async () => {
  const began = Date.now();
  bench = await startBench();
  console.log(`bench started: ${Date.now() - began} ms`);
});

afterAll(async () => {
  await bench.stop();
});

describe("with one controller", () => {
  let controller: ControllerProcess;

  beforeAll(async () => {
    controller = bench.launch({ args: ["--leader-elect"] });
    await controller.said("the controller is running");
  });

  afterAll(async () => {
    await controller.process.stop();
  });

  describe.concurrent("rollouts", () => rollouts(theBench));
  describe.concurrent("requests", () => requests(theBench));
  describe.concurrent("endings", () => endings(theBench));
  describe.concurrent("capacity", () => capacity(theBench));
  describe.concurrent("configuration", () => configurations(theBench));
  describe.concurrent("other data planes", () => dataPlanes(theBench));
  describe("at rest", () => idleness(theBench));
  describe("without watches", () => watchLoss(theBench));
});

describe("with two replicas", () => handOver(theBench));

describe("with a controller that dies", () => kills(theBench));

describe("without a permission for Secrets", () => withoutSecrets(theBench));

describe("after all of it", () => {
  test("the pods of deploy/ were admitted and run", async () => {
    const ref = { apiVersion: "apps/v1", kind: "Deployment", namespace: "aviary", name: "aviary" };
    const shipped = await bench.cluster.get<{ status?: { availableReplicas?: number } }>(ref);
    expect(shipped?.status?.availableReplicas).toBe(2);
  });

  test("no right was missing, and no log has a bug, an error or a crash", () => {
    const forbidden = bench
      .audited()
      .filter(({ annotations }) => annotations?.["authorization.k8s.io/decision"] === "forbid")
      .filter(({ requestReceivedTimestamp }) => !bench.wasAway(requestReceivedTimestamp));
    expect(forbidden.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
    expect(complaints(bench.logs(), ({ time }) => bench.wasAway(time))).toEqual([]);
  });
});

import { afterAll, beforeAll, describe } from "vitest";
import type { ControllerProcess } from "./scenario/controllerProcess.ts";
import { contention, heldWeights, installPolicy, leavings, uninstall } from "./scenario/gitops.ts";
import { type Bench, startBench } from "./scenario.ts";

/*
 * What is in Git is applied again and again, deleted in any order, and Aviary itself is taken away: on a real API server,
 * with its own field managers, admission and finalizers.
 */

let bench: Bench;
let controller: ControllerProcess;
const theBench = (): Bench => bench;

beforeAll(async () => {
  bench = await startBench();
  controller = bench.launch();
  await controller.said("the controller is running");
});

afterAll(async () => {
  await bench.stop();
});

describe.concurrent("manifests that are applied again and again", () => contention(theBench));

describe("manifests that are deleted", () => leavings(theBench));

describe("with deploy/gitops", () => {
  beforeAll(() => installPolicy(bench));
  describe.concurrent("routes", () => heldWeights(theBench));
});

describe("after all of it", () => uninstall(theBench, () => controller.process.stop()));

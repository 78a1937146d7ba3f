import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { kubeContract } from "./contract.ts";
import { sandboxHarness } from "./sandboxHarness.ts";

kubeContract("the in-memory API", () => {
  const kube = createMemoryKube();
  return Promise.resolve(sandboxHarness(kube.server, kube));
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createKube } from "../../src/kube/client.ts";
import { connect } from "../../src/kube/config.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { kubeconfig, startApiServer } from "../../src/sandbox/apiserver/http.ts";
import { kubeContract } from "./contract.ts";
import type { KubeHarness } from "./contract.ts";
import { sandboxHarness } from "./sandboxHarness.ts";

/** The port as the controller has it, and as a short-lived command has it. */
for (const [name, light] of [
  ["the client against the sandbox", false],
  ["the light client against the sandbox", true],
] as const) {
  kubeContract(name, () => overHttp(light));
}

async function overHttp(light: boolean): Promise<KubeHarness> {
  const core = createApiServer();
  const server = await startApiServer({ core, port: 0, bookmarkIntervalMs: 200 });
  const folder = await mkdtemp(path.join(tmpdir(), "aviary-kubeconfig-"));
  const file = path.join(folder, "config");
  await writeFile(file, kubeconfig(server.url));
  const connection = await connect({ kubeconfig: file, light });
  return sandboxHarness(core, createKube(connection), async () => {
    await connection.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });
}

import { parentPort } from "node:worker_threads";
import { kinds } from "../../src/kube/kinds.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { startApiServer } from "../../src/sandbox/apiserver/http.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { install } from "../lives/cluster.ts";
import { aCanary, aDeployment, NAMESPACE } from "../lives/manifests.ts";

/** A Canary whose newest revision is promoted. */
const core = createApiServer({ now: Date.now, namespaces: [NAMESPACE] });
install(core);
const kube = createMemoryKube({ server: core });
await kube.create(kinds.deployment, aDeployment(1));
await kube.create(kinds.canary, aCanary());
const targets = [{ kind: "Deployment", name: "web", generation: 1, revision: "0123456789", result: "Succeeded" }];
const status = { phase: "Succeeded", weight: 0, targets };
await kube.mergePatch(kinds.canary, { namespace: NAMESPACE, name: "web" }, { status }, { subresource: "status" });
const { url } = await startApiServer({ core, port: 0 });
parentPort?.postMessage(url);

import { createKube } from "../../src/kube/client.ts";
import { connect } from "../../src/kube/config.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { startControlPlane } from "./harness/controlPlane.ts";
const cp = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false });
const connection = await connect({ kubeconfig: cp.adminKubeconfig });
const kube = createKube(connection, { watchInactivityMs: 400_000 });
const t0 = performance.now();
const say = (...a: unknown[]) => console.log(Math.round((performance.now() - t0) / 1000), ...a);
const stop = AbortSignal.timeout(200_000);
const watch = async (kind: (typeof kinds)[keyof typeof kinds]) => {
  try {
    const { resourceVersion } = await kube.list(kind);
    say(kind.kind, "from", resourceVersion);
    for await (const e of kube.watch(kind, { resourceVersion, timeoutSeconds: 400, signal: stop })) say(kind.kind, e.type, e.type === "BOOKMARK" ? e.resourceVersion : e.object.metadata.resourceVersion);
  } catch (e) { say(kind.kind, String(e)); }
};
await kube.create(kinds.lease, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace: "default", name: "beat" } });
const timer = setInterval(() => { void kube.mergePatch(kinds.lease, { namespace: "default", name: "beat" }, { metadata: { labels: { t: String(Date.now()) } } }).catch(() => undefined); }, 5000);
await Promise.all([watch(kinds.ingress), watch(kinds.namespace), watch(kinds.secret)]);
clearInterval(timer);
await connection.close();
await cp.stop();

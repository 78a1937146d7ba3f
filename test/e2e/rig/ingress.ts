import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { request } from "undici";
import { createParts, waitUntilReady } from "../../cluster/harness/parts.ts";
import { freePort } from "../../cluster/harness/processes.ts";
import { ensureIngressBinary } from "./binaries.ts";
import { NODE_ADDRESS } from "./network.ts";
import type { Rig } from "./rig.ts";

/** Traefik, as the ingress controller of the class `nginx`: it honours the annotations of ingress-nginx. */
export interface IngressController {
  /** Where it takes requests. */
  readonly address: string;
  readonly port: number;
  stop(): Promise<void>;
}

const INGRESS_CLASS = {
  apiVersion: "networking.k8s.io/v1",
  kind: "IngressClass",
  metadata: { name: "nginx" },
  spec: { controller: "k8s.io/ingress-nginx" },
};

/** Returns when it answers. */
export async function startIngressController({ controlPlane, cluster, folder }: Rig): Promise<IngressController> {
  const { url, caFile, adminToken } = controlPlane;
  await cluster.apply(INGRESS_CLASS);
  const [port, pingPort] = [await freePort(), await freePort()];
  const tokenFile = join(folder, "traefik.token");
  writeFileSync(tokenFile, adminToken);
  const provider = "--providers.kubernetesingressnginx";
  const parts = createParts(folder);
  const traefik = parts.start("traefik", await ensureIngressBinary(), [
    `--entrypoints.web.address=${NODE_ADDRESS}:${port}`,
    `--entrypoints.ping.address=127.0.0.1:${pingPort}`,
    "--ping=true",
    "--ping.entrypoint=ping",
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
    provider,
    `${provider}.endpoint=${url}`,
    `${provider}.certauthfilepath=${caFile}`,
    `${provider}.token=${tokenFile}`,
  ]);
  await waitUntilReady(traefik, async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${pingPort}/ping`);
    await body.dump();
    if (statusCode !== 200) throw new Error(`/ping answers ${statusCode}`);
  });
  return { address: NODE_ADDRESS, port, stop: () => parts.stop("traefik", { graceMs: 2000 }) };
}

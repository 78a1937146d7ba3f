import { access } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createKube } from "../../src/kube/client.ts";
import { connect } from "../../src/kube/config.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { askOnce } from "../../src/sandbox/load.ts";
import { startSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { aRoute, applyGateway, applyRoute } from "./gatewayApi.ts";
import { aDeployment, aService } from "./world.ts";

let sandbox: Sandbox | undefined;

afterEach(async () => {
  await sandbox?.stop();
  sandbox = undefined;
});

const open = (): number => process.getActiveResourcesInfo().filter((kind) => /Server|Timeout/.test(kind)).length;

describe("the sandbox", () => {
  it("serves through the gateway what is applied over HTTP, and answers PromQL about it", async () => {
    const started = await startSandbox({ scrapeIntervalMs: 50 });
    sandbox = started;
    const connection = await connect({ kubeconfig: started.kubeconfigPath, env: {} });
    const kube = createKube(connection);
    await kube.create(kinds.service, aService());
    await kube.create(kinds.deployment, aDeployment({ replicas: 1, env: { START_DELAY_MS: "0", LATENCY_MS: "1" } }));
    await applyGateway(kube);
    await applyRoute(kube, aRoute({ web: 1 }));
    const ask = () => askOnce({ url: started.gatewayUrl, host: "web.test" });
    await expect.poll(async () => (await ask()).version, { timeout: 5_000 }).toBe("1");

    const query = async (text: string): Promise<string | undefined> => {
      const answer = await fetch(`${started.prometheusUrl}/api/v1/query?query=${encodeURIComponent(text)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1];
    };
    const proxied = 'sum(envoy_cluster_upstream_rq_total{envoy_cluster_name="default_web_80"})';
    await expect.poll(() => query(proxied), { timeout: 5_000 }).toBe("1");
    await expect.poll(() => query('sum(http_requests_total{namespace="default"})'), { timeout: 5_000 }).toBe("1");
    const groups = (await (await fetch(started.discoveryUrl)).json()) as { labels: Record<string, string> }[];
    expect(groups.map(({ labels }) => labels["job"])).toEqual(["gateway", "pods"]);
    await connection.close();
  });

  it("leaves no server, timer or file behind when it is stopped", async () => {
    const before = open();
    const { stop, kubeconfigPath, kube } = await startSandbox();
    await kube.create(kinds.deployment, aDeployment({ replicas: 2 }));
    await kube.create(kinds.service, aService());
    await expect.poll(async () => (await kube.list(kinds.endpointSlice)).items.length).toBe(1);
    await stop();
    await expect(access(kubeconfigPath)).rejects.toThrow();
    await expect.poll(open, { timeout: 5_000 }).toBeLessThanOrEqual(before);
  });
});

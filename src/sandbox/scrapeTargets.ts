import { createServer } from "node:http";
import type { RunningGateway } from "./gateway/gateway.ts";
import type { ScrapeTarget } from "./prometheus/scraper.ts";
import type { HttpRuntime } from "./runtime/httpRuntime.ts";
import { listen } from "./runtime/loopback.ts";

/** What the embedded Prometheus scrapes: the gateway and every pod, without a detour over HTTP. */
export function scrapeTargets(runtime: HttpRuntime, gateway: RunningGateway): readonly ScrapeTarget[] {
  const pods = runtime.targets().map(({ namespace, pod, address, metrics }) => ({
    labels: { job: "pods", namespace, pod, instance: `${address.host}:${address.port}` },
    collect: () => metrics(),
  }));
  const instance = new URL(gateway.metricsUrl).host;
  return [{ labels: { job: "gateway", instance }, collect: () => gateway.metrics() }, ...pods];
}

/** Lists the same targets for the `http_sd_configs` of a real Prometheus. */
export async function startDiscovery(
  runtime: HttpRuntime,
  gateway: RunningGateway,
  listenPort = 0,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((_request, response) => {
    const groups = scrapeTargets(runtime, gateway).map(({ labels: { instance = "", ...labels } }) => ({
      targets: [instance],
      labels,
    }));
    response.setHeader("content-type", "application/json").end(JSON.stringify(groups));
  });
  const port = await listen(server, { host: "127.0.0.1", port: listenPort });
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

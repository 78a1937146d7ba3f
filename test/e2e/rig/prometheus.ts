import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import { stringify } from "yaml";
import { type Parts, waitUntilReady } from "../../cluster/harness/parts.ts";
import { freePort } from "../../cluster/harness/processes.ts";

/** A real Prometheus that scrapes the gateway and the pods every second. */
export interface Prometheus {
  readonly url: string;
  /** Tells it which pods there are. */
  setTargets(targets: readonly ScrapeTarget[]): void;
  /** Value of a query that gives one number; `undefined` when it gives nothing. */
  query(query: string): Promise<number | undefined>;
  /** Starts it, or starts it again on the same port and with what it had stored. Returns when it answers. */
  start(): Promise<void>;
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

export interface ScrapeTarget {
  /** `host:port`. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface PrometheusOptions {
  readonly command: string;
  readonly parts: Parts;
  /** `host:port` of Envoy's metrics. */
  readonly gatewayMetrics: string;
  /** Experimental features to switch on. */
  readonly features?: readonly string[];
}

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { command, parts, gatewayMetrics, features = [] } = options;
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const targetsFile = join(parts.folder, "targets.json");
  const configFile = join(parts.folder, "prometheus.yaml");
  const setTargets = (targets: readonly ScrapeTarget[]): void => {
    // By a rename, so that no half of it is read.
    writeFileSync(
      `${targetsFile}.new`,
      JSON.stringify(targets.map(({ address, labels }) => ({ targets: [address], labels }))),
    );
    renameSync(`${targetsFile}.new`, targetsFile);
  };
  setTargets([]);
  writeFileSync(configFile, stringify(configuration(gatewayMetrics, targetsFile)));
  const prometheus: Prometheus = {
    url,
    setTargets,
    query: (query) => ask(url, query),
    start: async () => {
      const part = parts.start("prometheus", command, [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(parts.folder, "prometheus")}`,
        `--web.listen-address=${address}`,
        "--log.level=warn",
        ...features.map((feature) => `--enable-feature=${feature}`),
      ]);
      await waitUntilReady(part, async () => {
        const { statusCode, body } = await request(`${url}/-/ready`);
        await body.dump();
        if (statusCode !== 200) throw new Error(`/-/ready answers ${statusCode}`);
      });
    },
    stop: (signal = "SIGTERM") => parts.stop("prometheus", { signal, graceMs: 3000 }),
  };
  await prometheus.start();
  return prometheus;
}

function configuration(gatewayMetrics: string, targetsFile: string): object {
  return {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [
      { job_name: "envoy", metrics_path: "/stats/prometheus", static_configs: [{ targets: [gatewayMetrics] }] },
      { job_name: "pods", file_sd_configs: [{ files: [targetsFile], refresh_interval: "1s" }] },
    ],
  };
}

async function ask(url: string, query: string): Promise<number | undefined> {
  interface Answer {
    readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
    readonly error?: string;
  }
  const { body } = await request(`${url}/api/v1/query`, { query: { query } });
  const { data, error } = (await body.json()) as Answer;
  if (data === undefined) throw new Error(`${query}: ${error ?? "no answer"}`);
  const value = data.result[0]?.value[1];
  return value === undefined ? undefined : Number(value);
}

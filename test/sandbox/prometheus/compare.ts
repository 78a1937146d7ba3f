/**
 * Compares the embedded evaluator with a real Prometheus over the tables of `cases.ts`. Not part of `npm test`:
 * `npx node test/sandbox/prometheus/compare.ts [path of the prometheus binary]`. Starts it on a free loopback port with
 * a temporary folder, writes the samples to it, asks every query, prints each difference, and stops it.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPrometheusApi } from "../../../src/sandbox/prometheus/api.ts";
import { createQueryEngine } from "../../../src/sandbox/prometheus/eval/query.ts";
import { agree } from "./agree.ts";
import { CASES, type Case } from "./cases.ts";
import { DATA_PLANE_QUERIES, DATA_PLANE_SAMPLES } from "./data-planes.ts";
import { remoteWriteBody } from "./remote-write.ts";
import { renderLabels } from "./render.ts";
import { EPOCH_MS, loaded, SHOP } from "./samples.ts";

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

const SAMPLES = [...SHOP, ...DATA_PLANE_SAMPLES];

async function startReal(binary: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "prometheus-compare-"));
  const config = join(folder, "prometheus.yml");
  await writeFile(config, "global: { evaluation_interval: 1m }\n");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    "--storage.tsdb.retention.time=100y",
    `--web.listen-address=127.0.0.1:${port}`,
    "--web.enable-remote-write-receiver",
    "--enable-feature=promql-at-modifier,promql-negative-offset",
  ];
  const child = spawn(binary, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  for (let tries = 0; tries < 200 && !(await isReady(url)); tries++) await sleep(50);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true });
  };
  return { url, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    (response) => response.ok,
    () => false,
  );
}

async function write(url: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: "POST",
    headers: {
      "content-encoding": "snappy",
      "content-type": "application/x-protobuf",
      "x-prometheus-remote-write-version": "0.1.0",
    },
    body: new Uint8Array(remoteWriteBody(SAMPLES)),
  });
  if (!response.ok) throw new Error(`remote write: ${response.status} ${await response.text()}`);
}

interface Element {
  readonly metric: Record<string, string>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}
interface Answer {
  readonly data?: { readonly resultType: string; readonly result: unknown };
  readonly error?: string;
}

/** The elements of an answer as the server wrote them, without a client between that could hide a difference. */
async function ask(url: string, path: string, params: Readonly<Record<string, string>>): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/${path}`, { method: "POST", body: new URLSearchParams(params) });
  const answer = (await response.json()) as Answer;
  if (answer.data === undefined) return [`error ${response.status}`];
  const { resultType, result } = answer.data;
  if (resultType === "scalar" || resultType === "string") return [String((result as [number, string])[1])];
  return (result as Element[]).flatMap(({ metric, value, values = [] }) =>
    (value === undefined ? values : [value]).map(([time, text]) => {
      const at = value === undefined ? `@${time} ` : "";
      return `${at}${renderLabels(metric)} ${text}`;
    }),
  );
}

/** Asks both for one value and for a range; prints and counts what differs. */
async function compareOne(real: string, embedded: string, { query, at = 305, ordered }: Case): Promise<number> {
  const start = EPOCH_MS / 1000;
  const requests = [
    ["query", { query, time: String(start + at) }],
    ["query_range", { query, start: String(start + 5), end: String(start + 335), step: "30" }],
  ] as const;
  let differences = 0;
  for (const [path, params] of requests) {
    const [theirs, ours] = [await ask(real, path, params), await ask(embedded, path, params)];
    if (agree(ours, theirs, path === "query" && ordered === true)) continue;
    differences++;
    console.log(`DIFFERENT ${path} ${query} at ${at}\n  real     ${theirs.join(" ")}\n  embedded ${ours.join(" ")}`);
  }
  return differences;
}

async function main(binary: string, all: readonly Case[]): Promise<void> {
  const storage = loaded(SAMPLES);
  const now = (): number => EPOCH_MS + 305_000;
  const embedded = await startPrometheusApi({ engine: createQueryEngine({ storage }), storage, now });
  const real = await startReal(binary);
  try {
    await write(real.url);
    const asked = all.filter(({ prometheus3 }) => prometheus3 !== true);
    let differences = 0;
    for (const one of asked) differences += await compareOne(real.url, embedded.url, one);
    const left = all.length - asked.length;
    console.log(
      `${asked.length} queries compared, each at one time and over a range (${left} left out): ${differences} differ`,
    );
  } finally {
    await Promise.all([real.stop(), embedded.close()]);
  }
}

const dataPlaneCases = DATA_PLANE_QUERIES.map(({ query }): Case => ({ query, gives: [] }));
await main(process.argv[2] ?? "prometheus", [...Object.values(CASES).flat(), ...dataPlaneCases]);

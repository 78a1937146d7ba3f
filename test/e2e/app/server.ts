import { Agent, createServer, get, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createMetrics } from "./metrics.ts";
import { readSettings } from "./settings.ts";

// What runs in a pod: an HTTP server with a version, which behaves as its environment says (settings.ts).

const settings = readSettings(process.env);
const metrics = createMetrics();
const dependencies = new Agent({ keepAlive: true });
const startedAt = performance.now();
let draining = false;
let lastRequestAt = 0;
let inFlight = 0;

const server = createServer((request, response) => {
  response.setHeader("x-version", settings.version);
  if (draining) response.setHeader("connection", "close");
  if (request.url === "/metrics") response.end(metrics.text());
  else if (request.url === "/readyz") answer(response, isReady() ? 200 : 503);
  else void serve(response);
});
// The gateway, not the server, ends idle connections: the other way round requests get lost on closing ones.
server.keepAliveTimeout = 3_600_000;

process.on("SIGTERM", () => {
  draining = true;
  void leave();
});

await sleep(settings.startDelayMs);
server.listen(settings.port, settings.address);
if (settings.crash !== undefined) setTimeout(crash, settings.crashAfterMs);
if (settings.exitCode !== undefined) setTimeout(() => process.exit(settings.exitCode), settings.exitAfterMs);

async function serve(response: ServerResponse): Promise<void> {
  const receivedAt = (lastRequestAt = performance.now());
  inFlight += 1;
  const takesMs = Math.random() < settings.slowRate ? settings.slowMs : settings.latencyMs;
  if (takesMs > 0) await sleep(takesMs);
  const served = settings.dependency === undefined || (await isUp(settings.dependency));
  inFlight -= 1;
  const failed = !served || Math.random() < settings.errorRate;
  const code = failed ? settings.errorStatus : 200;
  metrics.count({ code, ordered: !failed, seconds: (performance.now() - receivedAt) / 1000 });
  // So that a load generator can tell what this version was made to do from what got lost.
  if (failed) response.setHeader("x-deliberate", "true");
  answer(response, code, failed ? "error: the order failed" : undefined);
}

/** Whether the dependency answers as it should. Never rejects. */
function isUp(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: dependencies }, (answered) => {
      answered.resume().once("close", () => resolve(answered.statusCode === 200));
    });
    asked.once("error", () => resolve(false));
  });
}

function answer(response: ServerResponse, status: number, body = `${settings.version} ${settings.pod}`): void {
  response.statusCode = status;
  response.end(`${body}\n`);
}

function isReady(): boolean {
  return !draining && settings.ready && performance.now() - startedAt >= settings.readyAfterMs;
}

/**
 * Serves on, also new connections, until nobody has asked for a while: who still sends has not heard of the end yet.
 * `connection: close` in every answer makes the others leave.
 */
async function leave(): Promise<void> {
  lastRequestAt = performance.now();
  const latest = lastRequestAt + settings.lingerMs;
  do await sleep(50);
  while ((inFlight > 0 || performance.now() - lastRequestAt < settings.quietMs) && performance.now() < latest);
  process.exit(0);
}

function crash(): void {
  // As the kernel ends a process that takes too much memory.
  if (settings.crash === "oom") process.kill(process.pid, "SIGKILL");
  else process.exit(1);
}

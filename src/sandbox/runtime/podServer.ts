import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Counter, Histogram, Registry } from "prom-client";
import { logNormal, type Random } from "../random.ts";
import type { PodBehaviour } from "./behaviour.ts";

/** The program in a sandbox pod. */
export interface PodProgram {
  readonly handle: RequestListener;
  /** Text exposition of the program's own metrics. */
  metrics(): Promise<string>;
  /** The last lines that the program wrote. */
  log(): string;
  /** From now on every answer asks its caller to connect elsewhere the next time. */
  drain(): void;
}

/** Upper bounds in seconds, as Prometheus client libraries have them. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const KEPT_LINES = 200;

/** An HTTP service with a version, an error rate and a response time; it counts what it answers. */
export function createPodProgram(pod: string, behaviour: PodBehaviour, random: Random): PodProgram {
  const { version, ready } = behaviour;
  const metrics = createPodMetrics();
  const log = createPodLog(`version ${version} listens on ${behaviour.ports.join(", ")}`);
  let draining = false;

  const answer = (response: ServerResponse, code: number, body: unknown): void => {
    response.setHeader("content-type", "application/json");
    response.setHeader("x-version", version);
    if (draining) response.setHeader("connection", "close");
    response.statusCode = code;
    response.end(`${JSON.stringify(body)}\n`);
  };
  const serve = ({ method = "GET", url = "/" }: IncomingMessage, response: ServerResponse): void => {
    const latencyMs = logNormal(random, behaviour.latencyMs);
    const failed = random() < behaviour.errorRate;
    const timer = setTimeout(() => {
      metrics.count(failed ? 500 : 200, latencyMs);
      if (failed) log.write(`${method} ${url}: 500`);
      if (failed) answer(response, 500, { error: "this version fails sometimes", version, pod });
      else answer(response, 200, { version, pod });
    }, latencyMs);
    response.once("close", () => {
      clearTimeout(timer);
    });
  };

  return {
    handle(request, response) {
      request.resume();
      if (request.url === "/metrics") void metrics.send(response);
      else if (request.url === "/healthz" || request.url === "/readyz") answer(response, ready ? 200 : 503, { ready });
      else serve(request, response);
    },
    metrics: () => metrics.text(),
    log: () => log.text(),
    drain() {
      draining = true;
      log.write("draining: no new connections");
    },
  };
}

function createPodMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "http_requests_total",
    help: "Requests answered.",
    labelNames: ["code"],
    registers,
  });
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time to answer a request.",
    buckets: BUCKETS,
    registers,
  });
  return {
    count(code: number, latencyMs: number): void {
      requests.inc({ code: String(code) });
      durations.observe(latencyMs / 1_000);
    },
    text: () => registry.metrics(),
    async send(response: ServerResponse): Promise<void> {
      response.setHeader("content-type", registry.contentType).end(await registry.metrics());
    },
  };
}

function createPodLog(firstLine: string) {
  const lines = [firstLine];
  return {
    write(line: string): void {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    },
    text: () => `${lines.join("\n")}\n`,
  };
}

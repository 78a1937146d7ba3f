import { Agent, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { Dial } from "../runtime/loopback.ts";
import type { Random } from "../random.ts";
import type { Choose } from "./choice.ts";
import type { Endpoints, PodAddress } from "./endpoints.ts";
import { forward, type Forwarded, sendCopy } from "./forward.ts";
import { GATEWAY_HEADER } from "./headers.ts";
import { canaryWish } from "./ingresses.ts";
import { findRoute, type RouteTable } from "./matching.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { Backend, RequestFacts, RuleTarget, ServiceAddress } from "./model.ts";

export interface ProxyOptions {
  readonly endpoints: Endpoints;
  readonly metrics: GatewayMetrics;
  readonly choose: Choose;
  readonly random: Random;
  readonly dial: Dial;
}

/** The data plane: answers requests by the table that is in effect. */
export interface Proxy {
  readonly handle: RequestListener;
  use(table: RouteTable): void;
  close(): void;
}

/** Why the gateway answered by itself, and with which status. */
const OWN_ANSWERS = {
  "no-route": 404,
  "no-backend": 500,
  "no-endpoints": 503,
  "upstream-error": 503,
  timeout: 504,
} as const;

type OwnAnswer = keyof typeof OWN_ANSWERS;

/** Idle connections are closed by the proxy long before a pod would do it, so no request meets a closing one. */
const IDLE_MS = 30_000;

export function createProxy(options: ProxyOptions): Proxy {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: IDLE_MS });
  let table: RouteTable = [];
  return {
    handle(request, response) {
      void serve({ request, response, table, agent }, options);
    },
    use(next) {
      table = next;
    },
    close() {
      agent.destroy();
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly table: RouteTable;
  readonly agent: Agent;
}

async function serve({ request, response, table, agent }: Exchange, options: ProxyOptions): Promise<void> {
  const facts = factsOf(request);
  const target = findRoute(table, facts)?.target;
  if (target === undefined) {
    answer(response, "no-route");
    return;
  }
  const backend = chooseBackend(target, facts, options);
  if (backend?.service === undefined) {
    answer(response, backend === undefined && target.backends.length > 0 ? "no-endpoints" : "no-backend");
    return;
  }
  const { service } = backend;
  const startedMs = performance.now();
  const record = (status: number, forwarded: boolean): void => {
    const durationMs = performance.now() - startedMs;
    const { method, host } = facts;
    options.metrics.record({ target, service, method, host, status, durationMs, forwarded });
  };
  const pod = pickPod(service, options);
  if (typeof pod === "string") {
    if (pod === "no-endpoints") record(OWN_ANSWERS[pod], false);
    answer(response, pod);
    return;
  }
  mirror({ request, agent, target, facts }, options);
  const outcome = await forward(request, response, {
    address: options.dial(pod.ip, pod.port),
    agent,
    requestEdits: backend.request,
    responseEdits: backend.response,
    timeoutMs: target.timeoutMs,
  });
  conclude(response, outcome, record);
}

interface Mirrored extends Pick<Exchange, "request" | "agent"> {
  readonly target: RuleTarget;
  readonly facts: RequestFacts;
}

/** Copies of a request, as Envoy makes and counts them. */
function mirror({ request, agent, target, facts }: Mirrored, options: ProxyOptions): void {
  for (const { service, percent, request: requestEdits } of target.mirrors ?? []) {
    if (service === undefined || options.random() * 100 >= percent) continue;
    const pod = pickPod(service, options);
    if (typeof pod === "string") continue;
    const startedMs = performance.now();
    const { method, host } = facts;
    sendCopy(request, { address: options.dial(pod.ip, pod.port), agent, requestEdits }, (status) => {
      const durationMs = performance.now() - startedMs;
      options.metrics.record({ target, service, method, host, status, durationMs, forwarded: true });
    });
  }
}

function conclude(
  response: ServerResponse,
  outcome: Forwarded,
  record: (status: number, forwarded: boolean) => void,
): void {
  switch (outcome.type) {
    case "answered":
      record(outcome.status, true);
      break;
    case "failed":
      record(OWN_ANSWERS[outcome.reason], true);
      answer(response, outcome.reason);
      break;
    case "abandoned":
      break;
  }
}

function answer(response: ServerResponse, reason: OwnAnswer): void {
  response.writeHead(OWN_ANSWERS[reason], { [GATEWAY_HEADER]: reason, "content-type": "text/plain" });
  response.end(`${reason}\n`);
}

function factsOf(request: IncomingMessage): RequestFacts {
  const url = new URL(request.url ?? "/", "http://gateway");
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  return {
    method: request.method ?? "GET",
    host,
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
  };
}

function chooseBackend(target: RuleTarget, facts: RequestFacts, options: ProxyOptions): Backend | undefined {
  const [primary, canary] = target.backends;
  const { ingress } = target;
  if (ingress?.canary === undefined || canary?.service === undefined) return options.choose(target.id, target.backends);
  // As ingress-nginx does: a canary without pods gets nothing, whatever its weight.
  if ((options.endpoints.ready(canary.service) ?? []).length === 0) return primary;
  const wish = canaryWish(ingress.canary, facts.headers);
  if (wish !== undefined) return wish === "canary" ? canary : primary;
  return options.choose(target.id, target.backends);
}

function pickPod(
  service: ServiceAddress,
  { endpoints, random }: ProxyOptions,
): PodAddress | "no-backend" | "no-endpoints" {
  const ready = endpoints.ready(service);
  if (ready === undefined) return "no-backend";
  return ready[Math.floor(random() * ready.length)] ?? "no-endpoints";
}

import { createServer, type Server } from "node:http";
import type { Ingress, HTTPRoute, Namespace, Service } from "../../kube/objects.ts";
import { kinds } from "../../kube/kinds.ts";
import { messageOf } from "../../lib/errors.ts";
import type { ControllerContext } from "../controllers/controller.ts";
import { createView } from "../controllers/view.ts";
import { sandboxKinds, type Gateway } from "../kinds.ts";
import { listen, type Dial } from "../runtime/loopback.ts";
import { attach, type Parents } from "./attachment.ts";
import { randomChoice, smoothChoice } from "./choice.ts";
import { createDelay } from "./delay.ts";
import { followEndpoints } from "./endpoints.ts";
import { routeEntries, unsupportedFilters } from "./httpRoutes.ts";
import { ingressEntries } from "./ingresses.ts";
import { routeTable, type RouteTable } from "./matching.ts";
import { createGatewayMetrics } from "./metrics.ts";
import { createProxy } from "./proxy.ts";
import { referenceGrantKind, refusal, type Known, type ReferenceGrant } from "./references.ts";
import { startStatusWriter } from "./statusWriter.ts";

export interface GatewayOptions extends ControllerContext {
  readonly dial: Dial;
  /** Milliseconds until a change of a route is in effect; its status is green at once. Default 0. */
  readonly lagMs?: number;
  /** Milliseconds until a change of endpoints is in effect. Default 0. */
  readonly endpointLagMs?: number;
  /** How weights are followed: independent picks as Envoy makes them (default), or as evenly as possible. */
  readonly choice?: "random" | "smooth";
  /** Port of 127.0.0.1 to serve on; 0, the default, takes a free one. */
  readonly port?: number;
}

export interface RunningGateway {
  /** Where the data plane answers. */
  readonly url: string;
  /** Where its metrics are. */
  readonly metricsUrl: string;
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the sandbox's gateway: one HTTP proxy on loopback for all Gateways, HTTPRoutes and Ingresses. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { clock, random, dial, lagMs = 0, endpointLagMs = 0, choice = "random", port = 0 } = options;
  const metrics = createGatewayMetrics();
  const endpointDelay = createDelay(clock, endpointLagMs);
  const endpoints = followEndpoints({ ...options, delay: endpointDelay });
  const choose = choice === "random" ? randomChoice(random) : smoothChoice();
  const proxy = createProxy({ endpoints, metrics, choose, random, dial });
  const routeDelay = createDelay(clock, lagMs);
  const known = followRoutes(options, (table) => {
    routeDelay.run(() => {
      proxy.use(table);
    });
  });
  const statusWriter = startStatusWriter(options, known);
  await options.informers.ready();

  const data = createServer({ keepAliveTimeout: 120_000 }, proxy.handle);
  const admin = createServer((_request, response) => {
    void metrics.text().then((text) => response.setHeader("content-type", metrics.contentType).end(text));
  });
  const dataPort = await listen(data, { host: "127.0.0.1", port });
  const adminPort = await listen(admin, { host: "127.0.0.1", port: 0 });
  return {
    url: `http://127.0.0.1:${dataPort}`,
    metricsUrl: `http://127.0.0.1:${adminPort}/metrics`,
    metrics: () => metrics.text(),
    async stop() {
      routeDelay.stop();
      endpointDelay.stop();
      await Promise.all([statusWriter.stop(), close(data), close(admin)]);
      proxy.close();
    },
  };
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

/** Compiles the route table anew whenever something changed that it is made of. */
function followRoutes(context: ControllerContext, use: (table: RouteTable) => void): Known & Parents {
  const { informers } = context;
  const known: Known & Parents = {
    services: informers.cache<Service>(kinds.service),
    grants: informers.cache<ReferenceGrant>(referenceGrantKind),
    gateways: informers.cache<Gateway>(sandboxKinds.gateway),
    namespaces: informers.cache<Namespace>(kinds.namespace),
  };
  const routes = createView<HTTPRoute>(kinds.httpRoute, context);
  const ingresses = createView<Ingress>(kinds.ingress, context);
  let dirty = false;
  const compile = (): void => {
    dirty = false;
    const entries = routes.list().flatMap((route) => entriesOf(route, known, context.log));
    use(routeTable([...entries, ...ingressEntries(ingresses.list(), portFinder(known))]));
  };
  const changed = (): void => {
    if (dirty) return;
    dirty = true;
    queueMicrotask(compile);
  };
  routes.onChange(({ before, after }) => {
    if (before?.metadata.generation !== after?.metadata.generation || after?.metadata.uid !== before?.metadata.uid)
      changed();
  });
  // The annotations of an Ingress are its canary's weight, and do not count in its generation.
  ingresses.onChange(changed);
  createView<Gateway>(sandboxKinds.gateway, context).onChange(({ before, after }) => {
    if (before?.metadata.generation !== after?.metadata.generation) changed();
  });
  createView(referenceGrantKind, context).onChange(changed);
  createView<Service>(kinds.service, context).onChange(({ before, after }) => {
    if (before === undefined || after === undefined) changed();
  });
  return known;
}

function entriesOf(route: HTTPRoute, known: Known & Parents, log: (message: string) => void) {
  if (unsupportedFilters(route).length > 0) return [];
  const hostnames = [...new Set(attach(route, known).flatMap((attachment) => attachment.hostnames))];
  try {
    return routeEntries(route, hostnames, (from, ref) => refusal(from, ref, known) === undefined);
  } catch (error) {
    log(`HTTPRoute ${route.metadata.name}: ${messageOf(error)}`);
    return [];
  }
}

function portFinder({ services }: Known) {
  return (namespace: string, service: string, name: string): number | undefined =>
    services.get(`${namespace}/${service}`)?.spec.ports?.find((port) => port.name === name)?.port;
}

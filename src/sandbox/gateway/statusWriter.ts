import { isDeepStrictEqual } from "node:util";
import { isTerminating, type GatewayRoute } from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../../kube/port.ts";
import type { ControllerContext, Controller } from "../controllers/controller.ts";
import { createLoop } from "../controllers/loop.ts";
import { createView, type View } from "../controllers/view.ts";
import { sandboxKinds, type Gateway } from "../kinds.ts";
import { attach, type Parents } from "./attachment.ts";
import { unsupportedFilters } from "./httpRoutes.ts";
import { refProblem, type Known } from "./references.ts";
import { gatewayStatus, routeParents } from "./status.ts";

interface Writer {
  readonly context: ControllerContext;
  readonly known: Known & Parents;
  readonly gateways: View<Gateway>;
  readonly routes: readonly { readonly kind: ResourceKind; readonly view: View<GatewayRoute> }[];
}

/** Writes the status of routes and Gateways: what the control plane of the gateway says, at once. */
export function startStatusWriter(context: ControllerContext, known: Known & Parents): Controller {
  const gateways = createView<Gateway>(sandboxKinds.gateway, context);
  const routes = [kinds.httpRoute, kinds.grpcRoute].map((kind) => ({
    kind,
    view: createView<GatewayRoute>(kind, context),
  }));
  const writer: Writer = { context, known, gateways, routes };
  const loop = createLoop({
    ...context,
    name: "gateway status",
    async reconcile(key) {
      const [plural, object = ""] = key.split(" ");
      const route = routes.find(({ kind }) => kind.plural === plural);
      if (route === undefined) await writeGateway(writer, object);
      else await writeRoute(writer, route.view, object);
      return undefined;
    },
  });
  watchAll(writer, (kind, object) => {
    loop.add(`${kind.plural} ${keyOf(object)}`);
  });
  return loop;
}

async function writeRoute({ context, known }: Writer, view: View<GatewayRoute>, key: string): Promise<void> {
  const route = view.get(key);
  if (route === undefined || isTerminating(route)) return;
  const parents = routeParents({
    route,
    attachments: attach(route, known),
    unsupported: route.kind === "HTTPRoute" ? unsupportedFilters(route) : [],
    problem: refProblem(route, known),
    nowMs: context.clock.now(),
  });
  if (isDeepStrictEqual(route.status?.parents ?? [], parents)) return;
  await view.patch(route, { status: { parents } }, "status");
}

async function writeGateway({ context, known, gateways, routes }: Writer, key: string): Promise<void> {
  const gateway = gateways.get(key);
  if (gateway === undefined || isTerminating(gateway)) return;
  const attachments = routes.flatMap(({ view }) => view.list().flatMap((route) => attach(route, known)));
  const here = attachments.filter((attachment) => keyOf(attachment.gateway) === key);
  const status = gatewayStatus(
    gateway,
    ({ name }) => here.filter(({ listeners }) => listeners.some((listener) => listener.name === name)).length,
    context.clock.now(),
  );
  if (!isDeepStrictEqual(gateway.status, status)) await gateways.patch(gateway, { status }, "status");
}

function watchAll({ context, gateways, routes }: Writer, look: (kind: ResourceKind, object: KubeObject) => void): void {
  const lookAtGateways = (): void => {
    for (const gateway of gateways.list()) look(sandboxKinds.gateway, gateway);
  };
  const lookAtAll = (): void => {
    for (const { kind, view } of routes) for (const route of view.list()) look(kind, route);
    lookAtGateways();
  };
  for (const { kind, view } of routes) {
    view.onChange(({ before, after }) => {
      if (after !== undefined) look(kind, after);
      // Only a new, a deleted or a changed route can move the count of a Gateway.
      if (before?.metadata.generation !== after?.metadata.generation) lookAtGateways();
    });
  }
  gateways.onChange(lookAtAll);
  createView(kinds.service, context).onChange(({ before, after }) => {
    if (before === undefined || after === undefined) lookAtAll();
  });
}

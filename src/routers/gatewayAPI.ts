import { z } from "zod";
import { exactlyOneOf, foreignObject, listMap, objectName, withRules } from "../api/schema.ts";
import type { Backends, RouteInput, Router, RouteRef, RouteView, RouteWrite } from "./router.ts";
import { ownRouteRef, planOwnRoute, readOwnRoute, releaseOwnRoute } from "./ownRoute.ts";
import { planUserRoutes, readUserRoutes, releaseUserRoutes, userRouteRef } from "./userRoute.ts";

const GROUP = "gateway.networking.k8s.io";

const kind = z.enum(["HTTPRoute", "GRPCRoute"]).default("HTTPRoute").describe("Kind of the route.");

const routeRef = z
  .object({
    group: z.enum([GROUP]).default(GROUP).describe("API group of the route."),
    kind,
    name: objectName().describe("Name of the route, in the namespace of the Canary."),
    ruleName: objectName()
      .optional()
      .describe("Only the rule of this name is managed. Left out: every rule with the pair."),
    addBackends: z
      .boolean()
      .optional()
      .describe(
        "Adds the backend `<name>-canary` to rules that list the Service `<name>` without it, and takes it out again " +
          "when the Canary is deleted. Without it the route must list the pair.",
      ),
  })
  .describe("A route of yours. Only the two weights of the pair are changed in it, and one annotation.");

const parentRef = z
  .looseObject({ name: objectName().describe("Name of the Gateway, or of the Service in a mesh.") })
  .meta({ description: "A parent, as in the route itself.", "x-kubernetes-preserve-unknown-fields": true });

const gatewayDuration = withRules(z.string().max(32), {
  rule: "self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')",
  message: "must be a duration of the Gateway API, such as 10s or 1m30s",
});

const ownRule = z.object({
  matches: z
    .array(foreignObject().describe("As in the route itself."))
    .min(1)
    .max(16)
    .optional()
    .describe("Which requests. Left out: all."),
  filters: z.array(foreignObject().describe("As in the route itself.")).max(16).optional().describe("Filters."),
  timeouts: z
    .object({
      request: gatewayDuration.optional().describe("For the whole request."),
      backendRequest: gatewayDuration.optional().describe("For one try at a backend."),
    })
    .optional()
    .describe("Time-outs; HTTPRoute only."),
});

const ownRoute = withRules(
  z.object({
    kind,
    parentRefs: z.array(parentRef).min(1).max(32).describe("Gateways, or Services in a mesh, to attach the route to."),
    hostnames: z
      .array(z.string().min(1).max(253).describe("A host name, or `*.` and a domain."))
      .min(1)
      .max(16)
      .optional()
      .describe("Host names that the route serves. Left out: those of the listener."),
    rules: z
      .array(ownRule.describe("A rule; Aviary adds the two backends."))
      .min(1)
      .max(16)
      .optional()
      .describe("Rules. Left out: one that takes every request."),
  }),
  {
    rule: "self.kind != 'GRPCRoute' || !has(self.rules) || self.rules.all(r, !has(r.timeouts))",
    message: "a GRPCRoute has no timeouts: remove rules[].timeouts, or set kind: HTTPRoute",
  },
);

const schema = withRules(
  z.object({
    routeRefs: listMap(z.array(routeRef).min(1).max(8), "kind", "name")
      .optional()
      .describe("Routes of yours whose weights Aviary moves."),
    route: ownRoute.optional().describe("A route that Aviary makes and owns; it has the name of the target."),
  }),
  exactlyOneOf(["routeRefs", "route"]),
).describe("Splits traffic by the weights of HTTPRoutes or GRPCRoutes of the Gateway API.");

export type GatewayAPIBlock = z.infer<typeof schema>;
export type UserRouteRef = z.infer<typeof routeRef>;
export type OwnRoute = z.infer<typeof ownRoute>;

/** HTTPRoutes and GRPCRoutes: of the user's, where only weights move, or one that Aviary owns. */
export const gatewayAPI: Router<GatewayAPIBlock> = {
  name: "gatewayAPI",
  schema,
  settleMs: 3_000,
  refs(block: GatewayAPIBlock, backends: Backends): readonly RouteRef[] {
    if (block.route !== undefined) return [ownRouteRef(block.route, backends)];
    return (block.routeRefs ?? []).map((ref) => userRouteRef(ref, backends));
  },
  read(input: RouteInput<GatewayAPIBlock>): RouteView {
    const { route, routeRefs } = input.block;
    return route !== undefined ? readOwnRoute(route, input) : readUserRoutes(routeRefs ?? [], input);
  },
  plan(input: RouteInput<GatewayAPIBlock>, weight: number): readonly RouteWrite[] {
    const { route, routeRefs } = input.block;
    return route !== undefined ? planOwnRoute(route, input, weight) : planUserRoutes(routeRefs ?? [], input, weight);
  },
  release(input: RouteInput<GatewayAPIBlock>): readonly RouteWrite[] {
    const { route, routeRefs } = input.block;
    return route !== undefined ? releaseOwnRoute(route, input) : releaseUserRoutes(routeRefs ?? [], input);
  },
};

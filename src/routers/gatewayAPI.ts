import { z } from "zod";
import { exactlyOneOf, foreignObject, listMap, namespaceName, objectName, withRules } from "../api/schema.ts";
import type { Share } from "../api/share.ts";
import type { Backends, RouteInput, Router, RouteRef, RouteView, RouteWrite } from "./router.ts";
import { ownRouteRef, planOwnRoute, readOwnRoute, releaseOwnRoute } from "./ownRoute.ts";
import { grantsFor } from "./routeGrants.ts";
import { planUserRoutes, readUserRoutes, releaseUserRoutes, userRouteRefs } from "./userRoute.ts";

const GROUP = "gateway.networking.k8s.io";

const kind = z.enum(["HTTPRoute", "GRPCRoute"]).default("HTTPRoute").describe("Kind of the route.");
const anyKind = z
  .enum(["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"])
  .default("HTTPRoute")
  .describe("Kind of the route. The weights of a TCPRoute and a TLSRoute count connections, not requests.");

const routeRef = z
  .object({
    group: z.enum([GROUP]).default(GROUP).describe("API group of the route."),
    kind: anyKind,
    name: objectName().describe("Name of the route."),
    namespace: namespaceName()
      .optional()
      .describe(
        "Namespace of the route, when it is not that of the Canary. A ReferenceGrant there has to allow it: from " +
          "`aviary.dev` Canary of this namespace, to the route.",
      ),
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
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe("Port of the Services to which the rule leads. Left out: the first of them."),
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

const ELSEWHERE = "!has(self.strategy) || !has(self.traffic) || !has(self.traffic.gatewayAPI)";

/** Whether no route is of a kind, as a rule over `spec`. */
function noneOf(routeKind: string): string {
  const block = "self.traffic.gatewayAPI";
  const own = `(!has(${block}.route) || ${block}.route.kind != '${routeKind}')`;
  return `(${own} && (!has(${block}.routeRefs) || ${block}.routeRefs.all(r, r.kind != '${routeKind}')))`;
}

/** HTTPRoutes and GRPCRoutes: of the user's, where only weights move, or one that Aviary owns. */
export const gatewayAPI: Router<GatewayAPIBlock> = {
  name: "gatewayAPI",
  schema,
  settleMs: 3_000,
  specRules: [
    {
      rule: `${ELSEWHERE} || !has(self.strategy.abTest) || ${noneOf("GRPCRoute")} || self.strategy.abTest.match.all(m, !has(m.queryParams) && !has(m.method))`,
      message: "a GRPCRoute has no query parameters and no HTTP methods to match: use headers",
      fieldPath: ".strategy.abTest.match",
    },
    {
      rule: `${ELSEWHERE} || !has(self.strategy.abTest) || (${noneOf("TCPRoute")} && ${noneOf("TLSRoute")})`,
      message: "a TCPRoute or a TLSRoute sees no requests to match: use another strategy",
      fieldPath: ".strategy.abTest",
    },
    {
      rule: "!has(self.strategy) || !has(self.strategy.canary) || !has(self.strategy.canary.sessionAffinity) || (has(self.traffic) && has(self.traffic.gatewayAPI) && has(self.traffic.gatewayAPI.route) && self.traffic.gatewayAPI.route.kind == 'HTTPRoute')",
      message:
        "needs a route that Aviary makes, since its rules come and go: set traffic.gatewayAPI.route, of kind HTTPRoute",
      fieldPath: ".strategy.canary.sessionAffinity",
    },
    {
      rule: `${ELSEWHERE} || !has(self.strategy.canary) || (${noneOf("TCPRoute")} && ${noneOf("TLSRoute")}) || self.strategy.canary.steps.all(s, !has(s.mirror))`,
      message: "a TCPRoute or a TLSRoute cannot mirror: remove mirror from the steps",
      fieldPath: ".strategy.canary.steps",
    },
  ],
  refs(block: GatewayAPIBlock, backends: Backends): readonly RouteRef[] {
    if (block.route !== undefined) return [ownRouteRef(block.route, backends)];
    return (block.routeRefs ?? []).flatMap((ref) => userRouteRefs(ref, backends));
  },
  neighbours: (block: GatewayAPIBlock, backends: Backends) => grantsFor(block.routeRefs ?? [], backends),
  read(input: RouteInput<GatewayAPIBlock>): RouteView {
    const { route, routeRefs } = input.block;
    return route !== undefined ? readOwnRoute(route, input) : readUserRoutes(routeRefs ?? [], input);
  },
  plan(input: RouteInput<GatewayAPIBlock>, share: Share): readonly RouteWrite[] {
    const { route, routeRefs } = input.block;
    return route !== undefined ? planOwnRoute(route, input, share) : planUserRoutes(routeRefs ?? [], input, share);
  },
  release(input: RouteInput<GatewayAPIBlock>): readonly RouteWrite[] {
    const { route, routeRefs } = input.block;
    return route !== undefined ? releaseOwnRoute(route, input) : releaseUserRoutes(routeRefs ?? [], input);
  },
};

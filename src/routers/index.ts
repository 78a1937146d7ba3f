import type { CanaryPlugIns } from "../api/canary.ts";
import { gatewayAPI } from "./gatewayAPI.ts";
import { nginx } from "./nginx.ts";
import type { Router } from "./router.ts";
import { service } from "./service.ts";

/** Every data plane that Aviary can steer. A new one is one file and one line here. */
export const routers: readonly Router[] = [gatewayAPI, nginx, service];

/** What the schema of a Canary has to know of them. */
export const trafficPlugIns: Pick<CanaryPlugIns, "trafficBlocks" | "trafficRules" | "withoutTraffic"> = {
  trafficBlocks: Object.fromEntries(routers.map(({ name, schema }) => [name, schema])),
  trafficRules: routers.flatMap(({ specRules = [] }) => specRules),
  withoutTraffic: service.name,
};

/**
 * The router that `spec.traffic` asks for, with the block for it as it stands there; `undefined` when it asks for none.
 * The schema sees to it that at most one block is present, and that the block has its defaults.
 */
export function routerFor(
  traffic: Readonly<Record<string, unknown>> | undefined,
): { readonly router: Router; readonly block: unknown } | undefined {
  const router = routers.find(({ name }) => traffic?.[name] !== undefined);
  return router === undefined ? undefined : { router, block: traffic?.[router.name] };
}

import { namesOf } from "../lib/names.ts";
import type { Names } from "../lib/names.ts";
import type { KubeObject, ObjectRef } from "./port.ts";

type Traffic = Readonly<Record<string, unknown>>;

/** A Canary as it is stored, be it one that nobody can read, as far as others have to know of it. */
export interface StoredCanary extends KubeObject {
  readonly spec?: { readonly targetRef?: { readonly name?: string }; readonly traffic?: Traffic };
  readonly status?: {
    readonly promoted?: unknown;
    /** What has the traffic, while `spec.traffic` may name others already. */
    readonly traffic?: { readonly router?: string; readonly block?: unknown };
  };
}

/** A route whose weights a Canary moves in the route itself. */
export interface ClaimedRoute {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Names of Services, and of pods' owners, that a target needs for itself. */
export function ownNames({ target, primary, canaryService, previous }: Names): readonly string[] {
  return [target, primary, canaryService, previous];
}

/** The same of the target of a stored Canary; none without a target. */
export function claimedNames({ metadata, spec }: StoredCanary): readonly string[] {
  const name = spec?.targetRef?.name;
  return name === undefined ? [] : ownNames(namesOf({ metadata, spec: { targetRef: { name } } }));
}

/** The routes of the user's that a Canary's traffic goes through, or is to go through next. */
export function claimedRoutes({ metadata, spec, status }: StoredCanary): readonly ClaimedRoute[] {
  const { router, block } = status?.traffic ?? {};
  const held = router === undefined ? {} : { [router]: block };
  return [...routesIn(spec?.traffic, metadata.namespace), ...routesIn(held, metadata.namespace)];
}

interface Block {
  readonly routeRefs?: readonly { readonly kind?: string; readonly namespace?: string; readonly name?: string }[];
}

function routesIn(traffic: Traffic | undefined, own = "default"): readonly ClaimedRoute[] {
  const { routeRefs = [] } = (traffic?.["gatewayAPI"] ?? {}) as Block;
  return routeRefs.flatMap(({ kind = "HTTPRoute", namespace = own, name }) =>
    name === undefined ? [] : [{ kind, namespace, name }],
  );
}

/** Everything that a Canary claims, by place. */
export function claimsOf(canary: StoredCanary): readonly Required<ObjectRef>[] {
  const { namespace = "default" } = canary.metadata;
  return [
    ...claimedNames(canary).map((name) => ({ namespace, name })),
    ...claimedRoutes(canary).map((route) => ({ namespace: route.namespace, name: route.name })),
  ];
}

import type { GatewayRoute, RouteRule } from "../kube/objects.ts";
import type { PatchOperation } from "../kube/port.ts";
import type { Backends, Demand, RouteProblem } from "./router.ts";

interface MirrorFilter {
  readonly type?: string;
  readonly requestMirror?: {
    readonly backendRef?: { readonly name?: string; readonly namespace?: string };
    readonly percent?: number;
  };
}

/** Where a mirror to the canary stands, and in whose namespace the rule is. */
interface MirrorPlace {
  readonly rule: RouteRule;
  /** Position of the rule in the route. */
  readonly index: number;
  /** The canary in the rule, whose port and namespace the mirror gets. */
  readonly canary: { readonly port?: number; readonly namespace?: string };
  readonly backends: Backends;
  readonly route: GatewayRoute;
}

/** A filter that sends copies of `percent` of the requests to the canary. All of them need no `percent`: older APIs know none. */
export function mirrorFilter(percent: number, { canary, backends }: Pick<MirrorPlace, "canary" | "backends">): object {
  const { port = backends.port, namespace } = canary;
  const backendRef = {
    group: "",
    kind: "Service",
    name: backends.canary,
    ...(namespace === undefined ? {} : { namespace }),
    port,
  };
  return { type: "RequestMirror", requestMirror: { backendRef, ...(percent === 100 ? {} : { percent }) } };
}

/** Percent of the requests of a rule of which the canary gets copies. */
export function mirrorOf(rule: RouteRule, backends: Backends, namespace: string): number {
  const filter = (rule.filters ?? [])[indexOf(rule, backends, namespace)] as MirrorFilter | undefined;
  return filter === undefined ? 0 : (filter.requestMirror?.percent ?? 100);
}

/** What makes the rule mirror `percent`. Its end is guarded by the filter alone, so that a roll back is never refused. */
export function mirrorOperations(percent: number, place: MirrorPlace): PatchOperation[] {
  const { rule, index, backends, route } = place;
  const namespace = route.metadata.namespace ?? backends.namespace;
  if (mirrorOf(rule, backends, namespace) === percent) return [];
  const path = `/spec/rules/${index}/filters`;
  const filters = rule.filters ?? [];
  const at = indexOf(rule, backends, namespace);
  const value = mirrorFilter(percent, place);
  if (at >= 0) {
    const guard: PatchOperation = {
      op: "test",
      path: `${path}/${at}/requestMirror/backendRef/name`,
      value: backends.canary,
    };
    if (percent > 0) return [guard, { op: "replace", path: `${path}/${at}`, value }];
    return [guard, { op: "remove", path: filters.length === 1 ? path : `${path}/${at}` }];
  }
  if (filters.length > 0) {
    return [
      { op: "test", path, value: filters },
      { op: "add", path: `${path}/-`, value },
    ];
  }
  // RFC 6902 has no test for absence.
  return [
    { op: "test", path: "/metadata/resourceVersion", value: route.metadata.resourceVersion },
    { op: "add", path, value: [value] },
  ];
}

/** Methods that change nothing, so that doing them twice does no harm (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set<unknown>(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Copies of a request do again what it does: only what is safe to repeat, or what the user said, is mirrored. */
export function mirrorProblem(
  name: string,
  rules: readonly { readonly rule: RouteRule; readonly index: number }[],
  { mirrors }: Demand,
): RouteProblem | undefined {
  if (mirrors.every(({ allMethods }) => allMethods)) return undefined;
  const unsafe = rules.find(({ rule }) => !takesOnlySafe(rule));
  if (unsafe === undefined) return undefined;
  return {
    reason: "MirrorUnsafe",
    message: `rule ${unsafe.index} of ${name} takes requests that may change something, and a mirror would do it twice`,
    hint: "Give GET and HEAD a rule of their own (matches: [{ method: GET }, { method: HEAD }]), or set mirror.allMethods: true when copies do no harm.",
  };
}

function takesOnlySafe({ matches = [] }: RouteRule): boolean {
  return matches.length > 0 && matches.every((match) => SAFE_METHODS.has((match as { method?: unknown }).method));
}

/** `namespace` is that of the route. */
function indexOf(rule: RouteRule, backends: Backends, namespace: string): number {
  return (rule.filters ?? []).findIndex((filter) => {
    const { type, requestMirror } = filter as MirrorFilter;
    const ref = requestMirror?.backendRef;
    return (
      type === "RequestMirror" && ref?.name === backends.canary && (ref.namespace ?? namespace) === backends.namespace
    );
  });
}

import type { Ingress, IngressBackend, IngressPath } from "../../kube/objects.ts";
import type { Backend, CanaryPolicy, PathMatch, RouteEntry, ServiceAddress } from "./model.ts";

const PREFIX = "nginx.ingress.kubernetes.io/";

/** The number of a Service's named port. */
export type PortOf = (namespace: string, service: string, name: string) => number | undefined;

interface Line {
  readonly ingress: Ingress;
  readonly host: string | undefined;
  readonly path: IngressPath;
}

/**
 * The lines of the route table that Ingress objects contribute, with the canary annotations of ingress-nginx: a canary
 * Ingress adds a second backend to the line of the same host and path, and means nothing without one. Pure.
 */
export function ingressEntries(ingresses: readonly Ingress[], portOf: PortOf): readonly RouteEntry[] {
  const lines = ingresses.flatMap(linesOf);
  const canaries = lines.filter(({ ingress }) => annotation(ingress, "canary") === "true");
  return lines
    .filter((line) => !canaries.includes(line))
    .map((line) => {
      const canary = canaries.find((candidate) => sameLine(candidate, line));
      return entryOf(line, canary, portOf);
    });
}

function linesOf(ingress: Ingress): readonly Line[] {
  const lines = (ingress.spec.rules ?? []).flatMap(({ host, http }) =>
    (http?.paths ?? []).map((path) => ({ ingress, host, path })),
  );
  const backend = ingress.spec.defaultBackend;
  return backend === undefined ? lines : [...lines, { ingress, host: undefined, path: { path: "/", backend } }];
}

function sameLine(a: Line, b: Line): boolean {
  const path = (line: Line): string => line.path.path ?? "/";
  const { ingressClassName: classA } = a.ingress.spec;
  const { ingressClassName: classB } = b.ingress.spec;
  const sameNamespace = a.ingress.metadata.namespace === b.ingress.metadata.namespace;
  return sameNamespace && a.host === b.host && path(a) === path(b) && classA === classB;
}

function entryOf(line: Line, canary: Line | undefined, portOf: PortOf): RouteEntry {
  const { namespace = "", name, creationTimestamp = "" } = line.ingress.metadata;
  const total = Math.max(100, Number(annotation(canary?.ingress, "canary-weight-total") ?? 100));
  const weight = Math.min(total, Math.max(0, Number(annotation(canary?.ingress, "canary-weight") ?? 0)));
  const primary = backendOf(line, canary === undefined ? 1 : total - weight, portOf);
  const backends = canary === undefined ? [primary] : [primary, backendOf(canary, weight, portOf)];
  const key = `${namespace}/${name}`;
  return {
    hostname: line.host,
    match: { path: pathOf(line.path), headers: [], query: [] },
    target: {
      id: `ingress/${key}/${line.host ?? ""}${line.path.path ?? "/"}`,
      backends,
      timeoutMs: 60_000,
      ingress: { namespace, name, canary: canary === undefined ? undefined : policyOf(canary.ingress) },
    },
    age: { created: creationTimestamp, key, rule: 0 },
  };
}

function pathOf({ path = "/", pathType }: IngressPath): PathMatch {
  return { type: pathType === "Exact" ? "Exact" : "PathPrefix", value: path };
}

function backendOf({ ingress, path }: Line, weight: number, portOf: PortOf): Backend {
  const service = serviceOf(ingress.metadata.namespace ?? "", path.backend, portOf);
  return { service, weight, request: [], response: [] };
}

function serviceOf(namespace: string, { service }: IngressBackend, portOf: PortOf): ServiceAddress | undefined {
  if (service === undefined) return undefined;
  const port = service.port?.number ?? portOf(namespace, service.name, service.port?.name ?? "");
  return port === undefined ? undefined : { namespace, name: service.name, port };
}

function policyOf(ingress: Ingress): CanaryPolicy {
  const header = annotation(ingress, "canary-by-header");
  const value = annotation(ingress, "canary-by-header-value");
  const pattern = annotation(ingress, "canary-by-header-pattern");
  const cookie = annotation(ingress, "canary-by-cookie");
  return {
    ...(header === undefined
      ? {}
      : {
          header: {
            name: header.toLowerCase(),
            ...(value === undefined ? {} : { value }),
            ...(pattern === undefined || value !== undefined ? {} : { pattern: new RegExp(pattern) }),
          },
        }),
    ...(cookie === undefined ? {} : { cookie }),
  };
}

const annotation = (ingress: Ingress | undefined, name: string): string | undefined =>
  ingress?.metadata.annotations?.[`${PREFIX}${name}`];

/** What header and cookie say about a request: to the canary, to the primary, or nothing. Pure. */
export function canaryWish(
  policy: CanaryPolicy,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): "canary" | "primary" | undefined {
  const sent = policy.header === undefined ? undefined : headers[policy.header.name];
  if (typeof sent === "string" && policy.header !== undefined) {
    const { value, pattern } = policy.header;
    if (value !== undefined ? sent === value : pattern?.test(sent) === true) return "canary";
    if (value === undefined && pattern === undefined) {
      if (sent === "always") return "canary";
      if (sent === "never") return "primary";
    }
  }
  if (policy.cookie === undefined) return undefined;
  const cookie = cookieOf(headers["cookie"], policy.cookie);
  return cookie === "always" ? "canary" : cookie === "never" ? "primary" : undefined;
}

function cookieOf(header: string | readonly string[] | undefined, name: string): string | undefined {
  const pairs = (typeof header === "string" ? header : (header ?? []).join("; ")).split(/;\s*/);
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

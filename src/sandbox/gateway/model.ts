/** What of a request routing looks at. */
export interface RequestFacts {
  readonly method: string;
  /** Without a port, in lower case. */
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export type PathMatch =
  | { readonly type: "Exact" | "PathPrefix"; readonly value: string }
  | { readonly type: "RegularExpression"; readonly value: string; readonly pattern: RegExp };

/** A header or a query parameter. Header names are in lower case. */
export interface ValueMatch {
  readonly name: string;
  readonly matches: (value: string) => boolean;
}

export interface RouteMatch {
  readonly path: PathMatch;
  readonly method?: string;
  readonly headers: readonly ValueMatch[];
  readonly query: readonly ValueMatch[];
}

/** Changes to a set of headers: removed, then replaced, then added. */
export interface HeaderEdits {
  readonly remove: readonly string[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}

export interface ServiceAddress {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface Backend {
  /** Undefined when the reference cannot be resolved; its share is answered 500. */
  readonly service: ServiceAddress | undefined;
  readonly weight: number;
  readonly request: readonly HeaderEdits[];
  readonly response: readonly HeaderEdits[];
}

/** An ingress-nginx canary: looked at in the order header, cookie, weight. */
export interface CanaryPolicy {
  readonly header?: { readonly name: string; readonly value?: string; readonly pattern?: RegExp };
  readonly cookie?: string;
}

/** Where copies of requests go; nobody gets the answers. */
export interface Mirror {
  /** Undefined when the reference cannot be resolved: then there are no copies. */
  readonly service: ServiceAddress | undefined;
  /** Of the requests, 0 to 100. */
  readonly percent: number;
  readonly request: readonly HeaderEdits[];
}

/** What happens to a request once it matched. */
export interface RuleTarget {
  /** Stable while the route keeps its rules; smooth choice remembers by it. */
  readonly id: string;
  readonly backends: readonly Backend[];
  readonly mirrors?: readonly Mirror[];
  /** Milliseconds for the whole request; undefined for no limit. */
  readonly timeoutMs: number | undefined;
  /** Set for rules that come from Ingress objects: backends are [primary, canary?]. */
  readonly ingress?: { readonly namespace: string; readonly name: string; readonly canary: CanaryPolicy | undefined };
}

/** One line of the route table. */
export interface RouteEntry {
  /** A name, or `*.` and a suffix; undefined for every host. */
  readonly hostname: string | undefined;
  readonly match: RouteMatch;
  readonly target: RuleTarget;
  /** Breaks ties: creation time and name of the route, then the place of the rule in it. */
  readonly age: { readonly created: string; readonly key: string; readonly rule: number };
}

/** Name of a Service as Contour and Envoy spell it in metrics. */
export function clusterName({ namespace, name, port }: ServiceAddress): string {
  return `${namespace}_${name}_${port}`;
}

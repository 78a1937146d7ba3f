import type { DataPlaneName } from "../../api/dataPlanes.ts";

/** Names of what a canary consists of, as data planes know it. */
export interface Subject {
  readonly namespace: string;
  /** Kind of the workload: Deployment, DaemonSet or StatefulSet. */
  readonly kind: string;
  /** Workloads of the two versions. */
  readonly workload: { readonly canary: string; readonly primary: string };
  /** Services of the two versions as routes may list them: the primary's is its leaf Service or the apex Service. */
  readonly service: { readonly canary: string; readonly primary: readonly string[] };
  /** Port of the Services. */
  readonly port: number;
  /** Routes or Ingresses that split the traffic. */
  readonly routes: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
}

/** Values of a label, as a regular expression that RE2 and JavaScript read alike; anchored on both sides. */
export type Pattern = string;

/** How a data plane counts requests, and by which label it tells versions apart. */
export interface RequestMetrics {
  /** The label whose value says which version answered. */
  readonly label: string;
  readonly canary: Pattern;
  readonly primary: Pattern;
  /** More matchers, as they stand between braces: `namespace="shop"`. May be empty. */
  readonly scope: string;
  /** Counter of all requests. */
  readonly requests: string;
  /** Matcher that picks the failed ones: `code=~"5.."`. */
  readonly failed: string;
  /** A histogram's name without `_bucket`, and how many milliseconds its unit has. */
  readonly latency?: { readonly metric: string; readonly unitMs: number };
}

/** One data plane, or one way in which applications count their requests: one file, one line in the registry. */
export interface DataPlane {
  readonly name: DataPlaneName;
  /** Controllers that write this into the status of a route, or into an IngressClass. */
  readonly controllers: readonly string[];
  /** What to do when it does not tell the versions apart. */
  readonly hint: string;
  metrics(subject: Subject): RequestMetrics;
}

/** Makes a name literal in a regular expression. Names of objects hold nothing special but dots. */
export function literal(name: string): Pattern {
  return name.replaceAll(".", "\\.");
}

/** Any of several names. */
export function anyName(names: readonly string[]): Pattern {
  return `(?:${names.map(literal).join("|")})`;
}

/** Names of the pods of a workload. */
export function podsOf(kind: string, workload: string): Pattern {
  switch (kind) {
    case "StatefulSet":
      return `${literal(workload)}-[0-9]+`;
    case "DaemonSet":
      return `${literal(workload)}-[a-z0-9]{5}`;
    default:
      return `${literal(workload)}-[a-z0-9]{1,10}-[a-z0-9]{5}`;
  }
}

import type { Cluster, KubeObject } from "../../cluster/harness/cluster.ts";
import type { Counts, Failure } from "../load/job.ts";
import { keepWatching } from "./keepWatching.ts";
import type { Load } from "./load.ts";

export interface Moment {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** What happened in a namespace, in the order in which it was seen. */
export interface Timeline {
  readonly moments: readonly Moment[];
  note(text: string): void;
  /** `12.3s text`, counted from the start. */
  lines(): string[];
  stop(): void;
}

interface Watched extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly step?: string;
    readonly weight?: number;
    readonly why?: { readonly rule: string; readonly message: string };
  };
  readonly spec?: {
    readonly rules?: readonly {
      readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
    }[];
    readonly selector?: Readonly<Record<string, string>>;
    readonly replicas?: number;
    readonly paused?: boolean;
  };
}

/** Follows Canaries, routes, Services and Deployments of a namespace. */
export function followTimeline(cluster: Cluster, namespace: string): Timeline {
  const stopping = new AbortController();
  const moments: Moment[] = [];
  const latest = new Map<string, string>();
  const note = (text: string): void => void moments.push({ at: Date.now(), text });
  const kinds = [
    ["aviary.dev/v1beta1", "Canary", sayCanary],
    ["gateway.networking.k8s.io/v1", "HTTPRoute", sayRoute],
    ["v1", "Service", ({ spec }: Watched) => `selects ${JSON.stringify(spec?.selector ?? {})}`],
    ["apps/v1", "Deployment", sayDeployment],
  ] as const;
  for (const [apiVersion, kind, say] of kinds) {
    const change = (object: Watched): void => {
      const key = `${kind} ${object.metadata.name}`;
      const text = say(object);
      if (latest.get(key) === text) return;
      latest.set(key, text);
      note(`${key}: ${text}`);
    };
    const remove = ({ metadata }: Watched): void => note(`${kind} ${metadata.name}: deleted`);
    const handler = { list: () => undefined, change, remove };
    void keepWatching<Watched>(cluster, { apiVersion, kind, namespace }, handler, stopping.signal);
  }
  return {
    moments,
    note,
    lines: () => moments.map((moment) => lineOf(moment, moments[0]?.at ?? 0)),
    stop: () => stopping.abort(),
  };
}

function sayCanary({ status: { phase, step, weight, why } = {} }: Watched): string {
  return `${phase ?? "new"} ${step ?? ""} w=${weight ?? 0} ${why?.rule ?? ""}: ${why?.message ?? ""}`;
}

function sayRoute({ spec }: Watched): string {
  const rules = spec?.rules ?? [];
  return rules
    .map(({ backendRefs = [] }) => backendRefs.map((ref) => `${ref.name} ${ref.weight ?? 1}`).join(", "))
    .join("; ");
}

function sayDeployment({ spec }: Watched): string {
  return `${spec?.replicas ?? 1} replicas${spec?.paused === true ? ", paused" : ""}`;
}

/** The figures of a load, and each failure between the moments around it. */
export function reportOf(load: Load, timeline: Timeline): string {
  const counts = load.counts();
  return [figures(load.name, counts), ...failuresAmong(load.failures(), timeline)].join("\n");
}

function figures(name: string, counts: Counts): string {
  const { sent, failed, deliberate, skipped, byVersion, byStatus, moves } = counts;
  const some = skipped === 0 ? "" : `, ${skipped} not sent for want of room`;
  const meant = deliberate === 0 ? "" : `, ${deliberate} errors that a version was made to answer`;
  const moved = Object.keys(moves).length === 0 ? "" : `; users moved ${JSON.stringify(moves)}`;
  return `${name}: ${sent} requests sent, ${failed} failed${meant}${some}; by version ${JSON.stringify(byVersion)}; by answer ${JSON.stringify(byStatus)}${moved}`;
}

const MOST_SHOWN = 40;

function failuresAmong(failures: readonly Failure[], timeline: Timeline): string[] {
  if (failures.length === 0) return [];
  const start = timeline.moments[0]?.at ?? 0;
  const shown = failures
    .slice(0, MOST_SHOWN)
    .map((failure) => ({ at: failure.at, text: `  FAILED ${sayFailure(failure)}` }));
  const [first = 0, last = 0] = [failures[0]?.at, failures.at(-1)?.at];
  const around = timeline.moments.filter(({ at }) => at > first - 3000 && at < last + 1000);
  return [...around, ...shown].sort((a, b) => a.at - b.at).map((moment) => lineOf(moment, start));
}

function sayFailure({ kind, connection, tookMs, version, detail, peer }: Failure): string {
  const parts = [
    kind,
    `after ${tookMs} ms`,
    `on a ${connection} connection`,
    peer && `to ${peer}`,
    version && `from ${version}`,
    detail,
  ];
  return parts.filter(Boolean).join(" ");
}

function lineOf({ at, text }: Moment, start: number): string {
  return `${((at - start) / 1000).toFixed(2).padStart(7)}s ${text}`;
}

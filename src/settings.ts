import { z } from "zod";
import { logLevels } from "./lib/log.ts";
import { DURATION_PATTERN, parseDuration } from "./lib/time.ts";

/** Where the HTTP server listens; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const text = z.string().min(1).max(1024);
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
const duration = (minimumMs: number, maximumMs: number) =>
  z.string().regex(DURATION_PATTERN).transform(parseDuration).pipe(z.number().min(minimumMs).max(maximumMs));
const election = duration(100, 3_600_000);

export const settingsSchema = z.object({
  kubeconfig: text.optional(),
  context: text.optional(),
  namespace: dnsLabel.optional(),
  prometheusUrl: z.string().refine(isPlainHttpUrl).optional(),
  trackSecrets: z.enum(["true", "false"]).transform((value) => value === "true"),
  listen: z
    .string()
    .transform(parseListen)
    .pipe(z.object({ host: text, port: z.int().min(0).max(65_535) })),
  workers: z
    .string()
    .regex(/^[0-9]{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(256)),
  leaderElect: z.enum(["true", "false"]).transform((value) => value === "true"),
  leaderElectionNamespace: dnsLabel,
  leaderElectionName: dnsName,
  leaseDuration: election,
  renewDeadline: election,
  retryPeriod: election,
  logLevel: z.enum(logLevels),
  shutdownGrace: duration(0, 600_000),
  actionRetention: duration(60_000, 31_536_000_000),
  identity: z.string().regex(/^[A-Za-z0-9._-]{1,253}$/),
});

export type Values = z.output<typeof settingsSchema>;
export type SettingName = keyof Values;

export interface Setting {
  /** What stands for the value in the help text. */
  readonly placeholder: string;
  readonly help: string;
  /** Completes the sentence "--flag must be …". */
  readonly expects: string;
  /** The default, written as a user would. */
  readonly fallback?: string;
  /** What it means to leave the flag out, when there is no constant default. */
  readonly unset?: string;
}

export const settings = {
  kubeconfig: {
    placeholder: "path",
    help: "Kubeconfig to connect with.",
    expects: "the path of a kubeconfig file",
    unset: "`KUBECONFIG`, `~/.kube/config`, else the pod's ServiceAccount",
  },
  context: {
    placeholder: "name",
    help: "Context of the kubeconfig.",
    expects: "the name of a context in the kubeconfig",
    unset: "the current context",
  },
  namespace: {
    placeholder: "name",
    help: "The one namespace to watch.",
    expects: "the name of one namespace; leave it out to watch all",
    unset: "all namespaces",
  },
  prometheusUrl: {
    placeholder: "url",
    help: "Prometheus for checks without a provider of their own. Credentials belong into a ClusterMetricProvider.",
    expects: "an http or https address without user and password, such as http://prometheus.monitoring:9090",
    unset: "none",
  },
  trackSecrets: {
    placeholder: "true|false",
    help: "Whether Secrets that pods refer to are part of their revision. Without it Aviary watches, reads and copies no Secret of theirs.",
    expects: "true or false",
    fallback: "true",
  },
  listen: {
    placeholder: "host:port",
    help: "Where `/healthz`, `/readyz` and `/metrics` are served. Port 0 takes a free one.",
    expects: "an address such as 0.0.0.0:8080, [::]:8080 or 127.0.0.1:0",
    fallback: "0.0.0.0:8080",
  },
  workers: {
    placeholder: "number",
    help: "How many canaries are reconciled at the same time.",
    expects: "a whole number from 1 to 256",
    fallback: "128",
  },
  leaderElect: {
    placeholder: "true|false",
    help: "Act only while holding the Lease. Needed with more than one replica.",
    expects: "true or false",
    fallback: "false",
  },
  leaderElectionNamespace: {
    placeholder: "name",
    help: "Namespace of the Lease.",
    expects: "the name of a namespace",
    fallback: "aviary",
  },
  leaderElectionName: {
    placeholder: "name",
    help: "Name of the Lease.",
    expects: "a lower-case name of letters, digits, dashes and dots",
    fallback: "aviary",
  },
  leaseDuration: {
    placeholder: "duration",
    help: "How long the others wait for a leader that went silent.",
    expects: "a duration from 100ms to 1h, such as 15s",
    fallback: "15s",
  },
  renewDeadline: {
    placeholder: "duration",
    help: "How long a leader that cannot renew goes on; shorter than the lease.",
    expects: "a duration from 100ms to 1h, such as 10s",
    fallback: "10s",
  },
  retryPeriod: {
    placeholder: "duration",
    help: "How often the Lease is renewed, or asked for; shorter than the renew deadline.",
    expects: "a duration from 100ms to 1h, such as 2s",
    fallback: "2s",
  },
  logLevel: {
    placeholder: "level",
    help: `One of ${logLevels.join(", ")}.`,
    expects: `one of ${logLevels.join(", ")}`,
    fallback: "info",
  },
  shutdownGrace: {
    placeholder: "duration",
    help: "How long running reconciles may take to end after SIGTERM.",
    expects: "a duration up to 10m, such as 20s",
    fallback: "20s",
  },
  actionRetention: {
    placeholder: "duration",
    help: "How long answered CanaryActions are kept. The last 5 of each Canary stay longer.",
    expects: "a duration from 1m to 8760h, such as 168h",
    fallback: "168h",
  },
  identity: {
    placeholder: "name",
    help: "Names this replica in the Lease.",
    expects: "a name of letters, digits, dots, dashes and underscores, unique among the replicas",
    unset: "host name and a random suffix",
  },
} as const satisfies Record<SettingName, Setting>;

export const settingNames = Object.keys(settings) as readonly SettingName[];

export function flagOf(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function variableOf(name: SettingName): string {
  return `AVIARY_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function isPlainHttpUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return (url?.protocol === "http:" || url?.protocol === "https:") && url.username === "" && url.password === "";
}

/** `host:port`, `[v6]:port` or `:port`. What does not parse gets a port that the schema refuses. */
function parseListen(value: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]*)):([0-9]{1,5})$/.exec(value);
  if (match === null) return { host: value, port: -1 };
  const host = match[1] ?? match[2] ?? "";
  return { host: host === "" ? "0.0.0.0" : host, port: Number(match[3]) };
}

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { Command, CommanderError, Option } from "commander";
import { z } from "zod";
import type { LogLevel } from "./lib/log.ts";
import { flagOf, settingNames, settings, settingsSchema, variableOf } from "./settings.ts";
import type { ListenAddress, Setting, SettingName, Values } from "./settings.ts";

/** Everything the controller can be told when it starts. Durations are milliseconds. */
export interface Config {
  /** Path of a kubeconfig; left out: the client library's usual places, then the pod's ServiceAccount. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** The one namespace to watch; all when left out. */
  readonly namespace?: string;
  /** Prometheus for canaries that name no provider. */
  readonly prometheusUrl?: string;
  /** Whether the Secrets that pods refer to are part of their revision. */
  readonly trackSecrets: boolean;
  readonly listen: ListenAddress;
  readonly workers: number;
  readonly leaderElection: LeaderElectionConfig;
  readonly logLevel: LogLevel;
  readonly shutdownGraceMs: number;
  readonly actionRetentionMs: number;
  /** Names this process in the Lease; unique among replicas. */
  readonly identity: string;
  /** Handed on to the Kubernetes connection: KUBECONFIG, the pod's API server, and what exec plug-ins inherit. */
  readonly environment: Environment;
}

export interface LeaderElectionConfig {
  readonly enabled: boolean;
  readonly namespace: string;
  readonly name: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** What the command line asks for: to run, or to print something and end. */
export type Invocation =
  | { readonly type: "run"; readonly config: Config }
  | { readonly type: "exit"; readonly code: number; readonly output: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the controller's configuration: a flag wins over its environment variable, which wins over the default. A bad
 * value is an `exit` with code 2 whose output is a sentence that names the flag; nothing is thrown.
 */
export function readConfig(
  argv: readonly string[] = process.argv.slice(2),
  environment: Environment = process.env,
): Invocation {
  const parsed = parseArguments(argv);
  if (parsed.type === "exit") return parsed;
  const raw = withDefaults(parsed.values, environment);
  const checked = settingsSchema.safeParse(raw.values);
  if (!checked.success) {
    const names = new Set(checked.error.issues.map((issue) => issue.path[0] as SettingName));
    return refusal([...names].map((name) => badValue(name, raw.values[name], raw.sources[name])));
  }
  const contradictions = electionContradictions(checked.data);
  return contradictions.length > 0
    ? refusal(contradictions)
    : { type: "run", config: { ...toConfig(checked.data), environment } };
}

type Raw = Partial<Record<SettingName, string>>;

/** Commander only splits the arguments: variables and bad values are ours, so that all of them read the same. */
function parseArguments(
  argv: readonly string[],
): { readonly type: "values"; readonly values: Raw } | (Invocation & { readonly type: "exit" }) {
  let output = "";
  const print = (written: string) => {
    output += written;
  };
  const command = new Command("aviary")
    .description("Runs the Aviary controller against the current kubeconfig, or inside a cluster.")
    .version(version())
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: print });
  for (const name of settingNames) command.addOption(optionOf(name));
  try {
    command.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { type: "exit", code: error.exitCode === 0 ? 0 : USAGE_ERROR, output };
  }
  const values: Raw = {};
  for (const [name, value] of Object.entries(command.opts<Record<string, string | true>>())) {
    values[name as SettingName] = String(value);
  }
  return { type: "values", values };
}

function optionOf(name: SettingName): Option {
  const setting: Setting = settings[name];
  // A switch may stand alone: `--leader-elect` means true.
  const isSwitch = setting.placeholder === "true|false";
  const value = isSwitch ? `[${setting.placeholder}]` : `<${setting.placeholder}>`;
  const fallback = setting.fallback ?? setting.unset ?? "none";
  const help = `${setting.help} Default: ${fallback}. (${variableOf(name)})`.replaceAll("`", "");
  return new Option(`${flagOf(name)} ${value}`, help);
}

const USAGE_ERROR = 2;

/** Both `src/` and `dist/` lie beside the package's manifest. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return z.object({ version: z.string() }).parse(manifest).version;
}

function withDefaults(flags: Raw, environment: Environment): { values: Raw; sources: Raw } {
  const values: Raw = {};
  const sources: Raw = {};
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    const fromEnvironment = environment[variableOf(name)];
    // A variable that is set to nothing is how shells and manifests say "not set".
    const given = flags[name] ?? (fromEnvironment === "" ? undefined : fromEnvironment);
    const value = given ?? setting.fallback ?? (name === "identity" ? generatedIdentity() : undefined);
    if (value !== undefined) values[name] = value;
    if (flags[name] === undefined && given !== undefined) sources[name] = variableOf(name);
  }
  return { values, sources };
}

function generatedIdentity(): string {
  return `${hostname().replace(/[^A-Za-z0-9._-]/g, "-")}-${randomUUID().slice(0, 8)}`;
}

function badValue(name: SettingName, value: string | undefined, variable: string | undefined): string {
  const setting: Setting = settings[name];
  const from = variable === undefined ? "" : ` (set by ${variable})`;
  // An address may hold a password, and this sentence ends up in logs.
  const shown = name === "prometheusUrl" ? "what was given" : JSON.stringify(value);
  return `${flagOf(name)}${from} must be ${setting.expects}, not ${shown}.`;
}

/** A leader must give up before another may take over, and must be able to try more than once until then. */
function electionContradictions(values: Values): string[] {
  const sentences: string[] = [];
  if (values.renewDeadline >= values.leaseDuration) {
    sentences.push(
      `--renew-deadline (${values.renewDeadline} ms) must be shorter than --lease-duration (${values.leaseDuration} ms), or two replicas could act at once.`,
    );
  }
  if (values.retryPeriod >= values.renewDeadline) {
    sentences.push(
      `--retry-period (${values.retryPeriod} ms) must be shorter than --renew-deadline (${values.renewDeadline} ms), or one lost request costs the lease.`,
    );
  }
  return sentences;
}

function refusal(sentences: readonly string[]): Invocation {
  return { type: "exit", code: USAGE_ERROR, output: sentences.map((sentence) => `${sentence}\n`).join("") };
}

function toConfig(values: Values): Omit<Config, "environment"> {
  const { kubeconfig, context, namespace, prometheusUrl } = values;
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(prometheusUrl === undefined ? {} : { prometheusUrl }),
    trackSecrets: values.trackSecrets,
    listen: values.listen,
    workers: values.workers,
    leaderElection: {
      enabled: values.leaderElect,
      namespace: values.leaderElectionNamespace,
      name: values.leaderElectionName,
      leaseDurationMs: values.leaseDuration,
      renewDeadlineMs: values.renewDeadline,
      retryPeriodMs: values.retryPeriod,
    },
    logLevel: values.logLevel,
    shutdownGraceMs: values.shutdownGrace,
    actionRetentionMs: values.actionRetention,
    identity: values.identity,
  };
}

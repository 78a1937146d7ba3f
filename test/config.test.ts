import { format } from "prettier";
import { describe, expect, it } from "vitest";
import { configurationReference } from "../scripts/configurationReference.ts";
import { readConfig, type Config } from "../src/config.ts";
import { flagOf, settingNames, variableOf } from "../src/settings.ts";

function run(argv: readonly string[], environment: Record<string, string> = {}): Config {
  const invocation = readConfig(argv, environment);
  if (invocation.type !== "run") throw new Error(invocation.output);
  return invocation.config;
}

function refused(argv: readonly string[], environment: Record<string, string> = {}): string {
  const invocation = readConfig(argv, environment);
  if (invocation.type !== "exit") throw new Error("was accepted");
  expect(invocation.code).toBe(2);
  return invocation.output;
}

describe("the configuration", () => {
  it("needs nothing to be said", () => {
    const { identity, ...config } = run([]);
    expect(config).toEqual({
      listen: { host: "0.0.0.0", port: 8080 },
      workers: 128,
      trackSecrets: true,
      leaderElection: {
        enabled: false,
        namespace: "aviary",
        name: "aviary",
        leaseDurationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 2_000,
      },
      logLevel: "info",
      shutdownGraceMs: 20_000,
      actionRetentionMs: 604_800_000,
      environment: {},
    });
    expect(identity).toMatch(/^[A-Za-z0-9._-]+-[0-9a-f]{8}$/);
  });

  it("gives two processes on one host different identities", () => {
    expect(run([]).identity).not.toBe(run([]).identity);
  });

  it("takes every setting from a flag", () => {
    const config = run(
      [
        ["--kubeconfig", "/k"],
        ["--context", "c"],
        ["--namespace", "shop"],
        ["--prometheus-url", "http://prometheus:9090/prefix"],
        ["--listen", "[::1]:0"],
        ["--workers", "64"],
        ["--track-secrets=false"],
        ["--leader-elect"],
        ["--leader-election-namespace", "ops"],
        ["--leader-election-name", "aviary.one"],
        ["--lease-duration=1m30s"],
        ["--renew-deadline", "1m"],
        ["--retry-period", "500ms"],
        ["--log-level", "trace"],
        ["--shutdown-grace", "0s"],
        ["--identity", "pod-1"],
      ].flat(),
    );
    expect(config).toEqual({
      kubeconfig: "/k",
      context: "c",
      namespace: "shop",
      prometheusUrl: "http://prometheus:9090/prefix",
      listen: { host: "::1", port: 0 },
      workers: 64,
      trackSecrets: false,
      leaderElection: {
        enabled: true,
        namespace: "ops",
        name: "aviary.one",
        leaseDurationMs: 90_000,
        renewDeadlineMs: 60_000,
        retryPeriodMs: 500,
      },
      logLevel: "trace",
      shutdownGraceMs: 0,
      actionRetentionMs: 604_800_000,
      identity: "pod-1",
      environment: {},
    });
  });

  it("lets a flag win over its variable, and a variable over the default", () => {
    const environment = { AVIARY_WORKERS: "8", AVIARY_LOG_LEVEL: "debug" };
    expect(run(["--workers", "2"], environment)).toMatchObject({ workers: 2, logLevel: "debug" });
  });

  it("treats an empty variable as not set", () => {
    expect(run([], { AVIARY_NAMESPACE: "", AVIARY_WORKERS: "" })).toMatchObject({ workers: 128 });
  });

  it.each([
    [["--leader-elect"], true],
    [["--leader-elect=true"], true],
    [["--leader-elect", "false"], false],
    [["--leader-elect", "--workers", "2"], true],
  ])("reads %j as leader election %j", (argv, enabled) => {
    expect(run(argv, { AVIARY_LEADER_ELECT: "true" }).leaderElection.enabled).toBe(enabled);
  });

  it.each([
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    [":9000", { host: "0.0.0.0", port: 9000 }],
    ["localhost:9000", { host: "localhost", port: 9000 }],
    ["[::]:9000", { host: "::", port: 9000 }],
  ])("listens on %s", (text, address) => {
    expect(run(["--listen", text]).listen).toEqual(address);
  });
});

describe("a bad value", () => {
  it.each([
    ["--kubeconfig", ""],
    ["--namespace", "Shop"],
    ["--namespace", ""],
    ["--prometheus-url", "prometheus:9090"],
    ["--prometheus-url", "file:///etc/passwd"],
    ["--prometheus-url", "http://me@prometheus"],
    ["--prometheus-url", "http://:secret@prometheus"],
    ["--listen", "8080"],
    ["--listen", "127.0.0.1:65536"],
    ["--listen", "::1:8080"],
    ["--workers", "0"],
    ["--workers", "257"],
    ["--workers", "2.5"],
    ["--workers", "many"],
    ["--leader-elect", "yes"],
    ["--leader-election-namespace", "a/b"],
    ["--leader-election-name", "-"],
    ["--lease-duration", "15"],
    ["--lease-duration", "2h"],
    ["--retry-period", "1ms"],
    ["--log-level", "loud"],
    ["--shutdown-grace", "1d"],
    ["--identity", "a b"],
  ])("of %s (%j) is refused by a sentence that names the flag", (flag, value) => {
    const sentence = refused([flag, value]);
    expect(sentence).toMatch(new RegExp(`^${flag} must be .*, not .*\\.\n$`));
  });

  it("of a variable is refused by a sentence that names both", () => {
    expect(refused([], { AVIARY_LOG_LEVEL: "loud" })).toBe(
      '--log-level (set by AVIARY_LOG_LEVEL) must be one of trace, debug, info, warn, error, fatal, not "loud".\n',
    );
  });

  it("never repeats a password that stands in an address", () => {
    expect(refused(["--prometheus-url", "http://me:hunter2@prometheus"])).not.toContain("hunter2");
  });

  it("is reported together with all the others", () => {
    expect(refused(["--workers", "x", "--log-level", "y"]).trimEnd().split("\n")).toHaveLength(2);
  });

  it.each([
    [["--renew-deadline", "15s"], "--renew-deadline"],
    [["--retry-period", "10s"], "--retry-period"],
  ])("that only contradicts another one (%j) is refused as well", (argv, flag) => {
    expect(refused(argv)).toContain(`${flag} (`);
  });

  it("does not hide an unknown flag or a stray word", () => {
    expect(refused(["--worker", "3"])).toContain("unknown option '--worker'");
    expect(refused(["serve"])).toContain("too many arguments");
  });
});

describe("what ends at once", () => {
  it("is --version, which prints the package's version", async () => {
    const manifest = (await import("../package.json", { with: { type: "json" } })).default;
    expect(readConfig(["--version"], {})).toEqual({ type: "exit", code: 0, output: `${manifest.version}\n` });
  });

  it("is --help, which names every flag and its variable", () => {
    const help = readConfig(["--help"], {});
    if (help.type !== "exit") throw new Error("went on");
    expect(help.code).toBe(0);
    for (const name of settingNames) {
      expect(help.output).toContain(flagOf(name));
      expect(help.output).toContain(variableOf(name));
    }
  });
});

describe("the reference page", () => {
  it("has a row for every flag and is formatted as the formatter wants it", async () => {
    const page = configurationReference();
    for (const name of settingNames) expect(page).toContain(`| \`${flagOf(name)}\``);
    expect(await format(page, { parser: "markdown", printWidth: 120 })).toBe(page);
  });
});

#!/usr/bin/env node
import { Command } from "commander";
import { httpUrl, LARGEST_PORT, LONGEST_LAG, wholeNumber } from "./flags.ts";
import { startSandbox } from "./sandbox.ts";

/** How the controller is started beside it: from the sources, or from the package. */
const CONTROLLER = import.meta.url.endsWith(".ts") ? "npm start --" : "npx aviary controller";

interface Flags {
  readonly prometheus?: string;
  readonly port: number;
  readonly lag: number;
  readonly discoveryPort: number;
}

/** Runs the sandbox alone until it is interrupted. Answers the exit code. */
export async function runSandbox(argv: readonly string[]): Promise<number> {
  const command = new Command("sandbox")
    .description("A Kubernetes API, a gateway and metrics on loopback, to try and test Aviary on. Not for production.")
    .option("--prometheus <url>", "use this Prometheus; it has to scrape what the printed address lists", httpUrl)
    .option("--port <port>", "port of the Kubernetes API; 0 takes a free one", wholeNumber(LARGEST_PORT), 0)
    .option(
      "--lag <ms>",
      "milliseconds by which the gateway follows changes of routes late",
      wholeNumber(LONGEST_LAG),
      0,
    )
    .option(
      "--discovery-port <port>",
      "port where scrape targets are listed; 0 takes a free one",
      wholeNumber(LARGEST_PORT),
      0,
    )
    .parse([...argv], { from: "user" });
  const { prometheus, port, lag, discoveryPort } = command.opts<Flags>();
  const sandbox = await startSandbox({
    ...(prometheus === undefined ? {} : { prometheusUrl: prometheus }),
    port,
    lagMs: lag,
    discoveryPort,
    log: (message) => process.stderr.write(`${message}\n`),
  });
  process.stdout.write(
    [
      `Kubernetes API  ${sandbox.apiUrl}`,
      `kubectl         kubectl --kubeconfig ${sandbox.kubeconfigPath}`,
      `gateway         ${sandbox.gatewayUrl}`,
      `Prometheus      ${sandbox.prometheusUrl}`,
      `scrape targets  ${sandbox.discoveryUrl}`,
      `controller      ${CONTROLLER} --kubeconfig ${sandbox.kubeconfigPath} --prometheus-url ${sandbox.prometheusUrl}`,
      "Interrupt (Ctrl-C) to end.",
      "",
    ].join("\n"),
  );
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await sandbox.stop();
  return 0;
}

if (import.meta.main) process.exitCode = await runSandbox(process.argv.slice(2));

#!/usr/bin/env node
import { once } from "node:events";
import { Command } from "commander";
import { messageOf } from "../../lib/errors.ts";
import { httpUrl, LARGEST_PORT, LATEST_DEADLINE, wholeNumber } from "../flags.ts";
import { startSandbox, type Sandbox } from "../sandbox.ts";
import { startControllerProcess, type ControllerProcess } from "./controllerProcess.ts";
import type { DemoSummary, DemoView } from "./events.ts";
import { createJsonView } from "./json.ts";
import { observe, type Observer } from "./observer.ts";
import { sendTraffic, tellStory } from "./story.ts";
import { createUser } from "./user.ts";
import { createTerminalView } from "./view.ts";

interface Flags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly prometheus?: string;
  readonly discoveryPort: number;
  readonly deadline: number;
}

/** What runs during the demo; parts are missing when it failed on the way. */
interface Stage {
  sandbox?: Sandbox;
  controller?: ControllerProcess;
  observer?: Observer;
}

function readFlags(): Flags {
  return new Command("demo")
    .description("Shows a good and a bad release on an embedded sandbox, judged by the real controller.")
    .option("--once", "tell the story once and end, also together with --keep")
    .option("--json", "one JSON object a line; the last one is the summary")
    .option("--keep", "leave everything running afterwards, to look around with kubectl")
    .option("--prometheus <url>", "use this Prometheus instead of the embedded one", httpUrl)
    .option(
      "--discovery-port <port>",
      "port where that Prometheus finds its scrape targets; 0 takes a free one",
      wholeNumber(LARGEST_PORT),
      0,
    )
    .option("--deadline <seconds>", "give up after this time", wholeNumber(LATEST_DEADLINE), 180)
    .parse()
    .opts<Flags>();
}

/** Runs the demo. Answers the exit code: 0 when all went as it must. */
async function main(): Promise<number> {
  const flags = readFlags();
  const view = createView(flags);
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      interrupt.abort(new Error("interrupted"));
    });
  }
  // A pipe that was closed must not end the process before the controller has been ended.
  process.stdout.on("error", () => {
    interrupt.abort(new Error("nobody reads the output any more"));
  });
  const stage: Stage = {};
  try {
    const summary = await perform({ flags, view, stage, interrupted: interrupt.signal });
    view.summary(summary);
    if (flags.keep === true && flags.once !== true) await linger(stage, interrupt.signal);
    return summary.ok ? 0 : 1;
  } catch (error) {
    view.failure(explain(error, stage));
    return 1;
  } finally {
    await stage.observer?.stop();
    await stage.controller?.stop();
    await stage.sandbox?.stop();
  }
}

interface Performance {
  readonly flags: Flags;
  readonly view: DemoView;
  readonly stage: Stage;
  readonly interrupted: AbortSignal;
}

async function perform({ flags, view, stage, interrupted }: Performance): Promise<DemoSummary> {
  const startedMs = performance.now();
  const emit: Parameters<typeof observe>[1] = (event) => {
    view.show(event, (performance.now() - startedMs) / 1_000);
  };
  const { prometheus } = flags;
  const sandbox = await startSandbox({
    ...(prometheus === undefined ? {} : { prometheusUrl: prometheus }),
    discoveryPort: flags.discoveryPort,
  });
  stage.sandbox = sandbox;
  const { kubeconfigPath, prometheusUrl, gatewayUrl } = sandbox;
  emit({ type: "started", kubeconfig: kubeconfigPath, gateway: gatewayUrl, prometheus: prometheusUrl });
  const controller = startControllerProcess({ kubeconfigPath, prometheusUrl });
  stage.controller = controller;
  const observer = await observe(kubeconfigPath, emit);
  stage.observer = observer;

  const ending = new AbortController();
  const deadline = setTimeout(() => {
    ending.abort(new Error(`the demo did not end within ${flags.deadline} s`));
  }, flags.deadline * 1_000);
  const signal = AbortSignal.any([ending.signal, interrupted]);
  controller.died.catch((error: unknown) => {
    ending.abort(error);
  });
  try {
    return await tellStory({ gatewayUrl, user: createUser(sandbox.apiUrl), observer, emit, signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(deadline);
  }
}

function createView({ json }: Flags): DemoView {
  const { stdout } = process;
  const write = (text: string): void => {
    stdout.write(text);
  };
  if (json === true) return createJsonView(write);
  return createTerminalView({ isTTY: stdout.isTTY === true, columns: stdout.columns ?? 80, write });
}

/** Leaves everything running, the traffic too, until it is interrupted. */
async function linger({ sandbox }: Stage, interrupted: AbortSignal): Promise<void> {
  if (sandbox === undefined || interrupted.aborted) return;
  process.stderr.write(
    [
      "Still running. Look around, or release something, with",
      `  kubectl --kubeconfig ${sandbox.kubeconfigPath} -n shop get canary,deployments,httproutes`,
      "Interrupt (Ctrl-C) to end.",
      "",
    ].join("\n"),
  );
  const load = sendTraffic(sandbox.gatewayUrl);
  await once(interrupted, "abort");
  await load.stop();
}

function explain(error: unknown, { observer, controller }: Stage): string {
  const { phase = "none", weight = 0, why } = observer?.status() ?? {};
  return [
    `${messageOf(error)}.`,
    `It stood at phase ${phase}, weight ${weight} %: ${why?.message ?? "the Canary has said nothing yet"}`,
    "The controller's last lines:",
    ...(controller?.lastLines() ?? []),
  ].join("\n");
}

process.exitCode = await main();

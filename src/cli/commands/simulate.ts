import { formatDuration } from "../../lib/time.ts";
import type { Call, World } from "../command.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import type { Ending } from "../exitCodes.ts";
import { readManifests } from "../lint/manifests.ts";
import type { Manifest, ManifestObject } from "../lint/manifests.ts";
import { printObject } from "../output.ts";
import { paintFor } from "../paint.ts";
import type { Refused, Simulated, SimulatedChange, Simulation } from "../programs.ts";
import { worldOf } from "../simulation.ts";
import { sentencesOf } from "../world/sentences.ts";
import type { WorldModel } from "../world/world.ts";

/** Lives through a release of these manifests on virtual time, and answers a code for how it ended. */
export async function run({ args, options, world }: Call): Promise<number> {
  const { manifests, findings } = await readManifests(args);
  for (const { file, what, message } of findings) world.stderr.write(`${file}: ${what}: ${message}\n`);
  if (findings.length > 0) return exitCodes.refused.code;
  const canary = canaryAmong(manifests, options.text("canary"));
  const model = await worldOf(options);
  if (model.replicas !== undefined) refuseReplicas(canary);
  const telling = options.flag("json") || options.text("output") === "json" ? silently() : aloud(world);
  const simulated = await world.programs.simulate({
    objects: manifests.map(({ object }) => object),
    canary,
    world: model,
    onBegin: () => {
      telling.begin(model);
    },
    onChange: telling.change,
    onNote: telling.note,
    signal: world.signal,
  });
  if ("refusals" in simulated) return sayRefused(manifests, simulated, world);
  refuseIdleValues(Object.keys(model.values), simulated);
  await telling.end(simulated, world);
  return exitCodes[ENDINGS[simulated.outcome]].code;
}

const ENDINGS: Readonly<Record<Simulated["outcome"], Ending>> = {
  promoted: "ok",
  rolledBack: "rolledBack",
  undecided: "timedOut",
  stalled: "stalled",
};

function sayRefused(manifests: readonly Manifest[], { refusals }: Refused, { stderr }: World): number {
  manifests.forEach(({ file, object }, index) => {
    const refusal = refusals[index];
    if (refusal === undefined) return;
    stderr.write(`${file}: ${object.kind ?? ""} ${object.metadata?.name ?? ""}: ${refusal}\n`);
  });
  return exitCodes.refused.code;
}

function canaryAmong(manifests: readonly Manifest[], wanted: string | undefined): ManifestObject {
  const all = manifests.map(({ object }) => object).filter(({ kind }) => kind === "Canary");
  const named = wanted === undefined ? all : all.filter(({ metadata }) => metadata?.name === wanted);
  const [canary, ...others] = named;
  const names = all.map(({ metadata }) => metadata?.name ?? "").join(", ");
  if (canary === undefined) {
    throw new CliError(
      "usage",
      wanted === undefined
        ? "there is no Canary in these files"
        : `there is no Canary ${wanted} in these files: ${names}`,
    );
  }
  if (others.length > 0)
    throw new CliError("usage", `there are several Canaries in these files: ${names}`, "Name one with --canary.");
  return canary;
}

/** A value for nobody would be taken for a check that passes. */
function refuseIdleValues(named: readonly string[], { asked, outcome }: Simulated): void {
  const idle = named.find((name) => !asked.includes(name));
  const early = asked.length === 0 && outcome !== "promoted";
  if (idle === undefined || early) return;
  const others = asked.length === 0 ? "none has" : `${asked.join(", ")} has`;
  throw new CliError(
    "usage",
    `a value for ${idle}: no check ${idle} has a query of its own; ${others}`,
    "Values are for checks of kind threshold. The others are judged by the requests: see --canary-errors.",
  );
}

/** A DaemonSet has a pod for each node. */
function refuseReplicas({ spec }: ManifestObject): void {
  const { kind } = (spec?.["targetRef"] ?? {}) as { readonly kind?: string };
  if (kind === "DaemonSet") throw new CliError("usage", "replicas: a DaemonSet has none; leave it out");
}

interface Telling {
  begin(model: WorldModel): void;
  readonly note: Simulation["onNote"];
  readonly change: Simulation["onChange"];
  end(simulated: Simulated, world: World): Promise<void> | void;
}

/** One object at the end. */
function silently(): Telling {
  const [notes, timeline]: [string[], SimulatedChange[]] = [[], []];
  let assumed: WorldModel | undefined;
  return {
    begin: (model) => {
      assumed = model;
    },
    note: (note) => void notes.push(note),
    change: (change) => void timeline.push(change),
    end: (simulated, { stdout }) =>
      printObject(stdout, "json", { simulation: true, ...simulated, world: assumed, notes, timeline }),
  };
}

/** Lines for people, as time goes by. */
function aloud(world: World): Telling {
  const paint = paintFor(world);
  const write = (text: string): void => void world.stdout.write(`${text}\n`);
  let beganAt = 0;
  return {
    begin(model) {
      beganAt = performance.now();
      write("A simulation on virtual time: the production controller, and no cluster, pods or requests.");
      for (const sentence of sentencesOf(model)) write(paint.faint(`- ${sentence}`));
    },
    note: (note) => {
      write(paint.faint(`- ${note}`));
    },
    change: ({ atMs, phase, step = "", weight, message }) => {
      const columns = [formatDuration(atMs).padStart(7), phase.padEnd(11), step.padStart(5), `${weight} %`.padStart(5)];
      write(`${columns.join(" ")}  ${message}`);
    },
    end(simulated) {
      const title = TITLES[simulated.outcome];
      const painted = simulated.outcome === "promoted" ? paint.good(title) : paint.bad(title);
      const { tookMs, canaryRequests, canaryFailures, message } = simulated;
      const [sentence = "", ...more] = message.split("\n");
      if (more.length > 0) write(message);
      const inMs = performance.now() - beganAt;
      const met = `the new version answered ${canaryRequests} requests, of which ${canaryFailures} failed`;
      write(`${painted} after ${formatDuration(tookMs)}, simulated in ${formatDuration(inMs)}: ${sentence}; ${met}`);
    },
  };
}

const TITLES: Readonly<Record<Simulated["outcome"], string>> = {
  promoted: "promoted",
  rolledBack: "rolled back",
  undecided: "not decided",
  stalled: "stalled",
};

import { formatDuration } from "../../lib/time.ts";
import type { Call, World } from "../command.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import type { Ending } from "../exitCodes.ts";
import { readManifests } from "../lint/manifests.ts";
import type { Manifest, ManifestObject } from "../lint/manifests.ts";
import { printObject } from "../output.ts";
import { paintFor } from "../paint.ts";
import type { Simulated, SimulatedChange, Simulation } from "../programs.ts";
import { assumptionsOf } from "../simulation.ts";

/** Lives through a release of these manifests on virtual time, and answers a code for how it ended. */
export async function run({ args, options, world }: Call): Promise<number> {
  const manifests = await accepted(args, world);
  if (manifests === undefined) return exitCodes.refused.code;
  const canary = canaryAmong(manifests, options.text("canary"));
  const assumptions = assumptionsOf(options);
  if (assumptions.replicas !== undefined) refuseReplicas(canary);
  const telling = options.text("output") === "json" ? silently() : aloud(world);
  telling.begin(assumptions);
  const simulated = await world.programs.simulate({
    ...assumptions,
    objects: manifests.map(({ object }) => object),
    canary,
    onChange: telling.change,
    onNote: telling.note,
    signal: world.signal,
  });
  refuseIdleValues(Object.keys(assumptions.values), simulated);
  await telling.end(simulated, world);
  return exitCodes[ENDINGS[simulated.outcome]].code;
}

const ENDINGS: Readonly<Record<Simulated["outcome"], Ending>> = {
  promoted: "ok",
  rolledBack: "rolledBack",
  undecided: "timedOut",
  stalled: "stalled",
};

/** The objects of the files; undefined, and said, where one is refused. */
async function accepted(
  paths: readonly string[],
  { programs, stderr }: World,
): Promise<readonly Manifest[] | undefined> {
  const { manifests, findings } = await readManifests(paths);
  const refusals = await programs.refusals(manifests.map(({ object }) => object));
  const said = [
    ...findings.map(({ file, what, message }) => `${file}: ${what}: ${message}\n`),
    ...manifests.flatMap(({ file, object }, index) => {
      const refusal = refusals[index];
      return refusal === undefined
        ? []
        : [`${file}: ${object.kind ?? ""} ${object.metadata?.name ?? ""}: ${refusal}\n`];
    }),
  ];
  for (const sentence of said) stderr.write(sentence);
  return said.length > 0 ? undefined : manifests;
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
  if (idle === undefined || outcome === "stalled") return;
  const others = asked.length === 0 ? "none has" : `${asked.join(", ")} has`;
  throw new CliError(
    "usage",
    `--value ${idle}: no check ${idle} has asked for a value; ${others}`,
    "Values are for checks of kind threshold. The others are judged by the requests: see --canary-errors.",
  );
}

/** A DaemonSet has a pod for each node. */
function refuseReplicas({ spec }: ManifestObject): void {
  const { kind } = (spec?.["targetRef"] ?? {}) as { readonly kind?: string };
  if (kind === "DaemonSet") throw new CliError("usage", "--replicas: a DaemonSet has no replicas; leave it out");
}

type Assumptions = ReturnType<typeof assumptionsOf>;

interface Telling {
  begin(assumptions: Assumptions): void;
  readonly note: Simulation["onNote"];
  readonly change: Simulation["onChange"];
  end(simulated: Simulated, world: World): Promise<void> | void;
}

/** One object at the end. */
function silently(): Telling {
  const [notes, timeline]: [string[], SimulatedChange[]] = [[], []];
  let assumed: Assumptions | undefined;
  return {
    begin: (assumptions) => {
      assumed = assumptions;
    },
    note: (note) => void notes.push(note),
    change: (change) => void timeline.push(change),
    end: (simulated, { stdout }) =>
      printObject(stdout, "json", { simulation: true, ...simulated, assumed, notes, timeline }),
  };
}

/** Lines for people, as time goes by. */
function aloud(world: World): Telling {
  const paint = paintFor(world);
  const write = (text: string): void => void world.stdout.write(`${text}\n`);
  return {
    begin({ behaviour: { canary, primary }, rps, seed }) {
      const of = ({ errors, latencyMs }: typeof canary) =>
        `${percent(errors)} fail, half take over ${formatDuration(latencyMs)}`;
      write("A simulation on virtual time: the production controller, and no cluster, pods or requests.");
      write(
        paint.faint(
          `- ${rps} requests/s, drawn at random (seed ${seed}); pods are ready at once and never full, and Jobs succeed`,
        ),
      );
      write(paint.faint(`- the version before: ${of(primary)}; the new one: ${of(canary)}`));
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
      const met = `the new version answered ${canaryRequests} requests, of which ${canaryFailures} failed`;
      write(`${painted} after ${formatDuration(tookMs)}: ${sentence}; ${met}`);
    },
  };
}

const TITLES: Readonly<Record<Simulated["outcome"], string>> = {
  promoted: "promoted",
  rolledBack: "rolled back",
  undecided: "not decided",
  stalled: "stalled",
};

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

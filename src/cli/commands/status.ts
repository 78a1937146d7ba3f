import type { CanaryStatus } from "../../api/status.ts";
import { kinds } from "../../kube/kinds.ts";
import type { CanaryObject } from "../canaryObject.ts";
import { findCanary, parseReference, withCluster } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import type { Call } from "../command.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import { objectFormat, printObject } from "../output.ts";
import { paintFor } from "../paint.ts";
import { picture } from "../picture.ts";
import { podCounts } from "../podCounts.ts";
import { createProgress } from "../progress.ts";
import { createChanges } from "../until.ts";
import { watchOne } from "../watchOne.ts";

/** Shows one Canary: once, or for as long as one looks. */
export async function run(call: Call): Promise<number> {
  const { options, world } = call;
  const format = objectFormat(options.text("output"));
  const watching = options.flag("watch");
  if (watching && format !== undefined) throw new CliError("usage", "--watch shows a picture; leave out --output");
  return withCluster(call, async (cluster) => {
    const canary = await findCanary(cluster, parseReference(call.args[0] ?? ""));
    if (format !== undefined) await printObject(world.stdout, format, canary);
    else if (watching) await watch(cluster, call, canary);
    else world.stdout.write(`${(await draw(cluster, call, { canary, seen: new Map() })).join("\n")}\n`);
    return exitCodes.ok.code;
  });
}

interface Drawn {
  readonly canary: CanaryObject;
  readonly seen: ReadonlyMap<string, readonly number[]>;
}

async function draw(cluster: Cluster, { world }: Call, { canary, seen }: Drawn): Promise<string[]> {
  const pods = await podCounts(cluster, canary);
  return picture({ canary, ...pods, seen, nowMs: world.clock.now() }, paintFor(world));
}

/** Time between two pictures when nothing changes, so that the remaining time is right, in milliseconds. */
const REDRAW_MS = 1_000;
const CLEAR = "\u001b[H\u001b[2J\u001b[3J";

/** A live picture on a terminal, and elsewhere a line for each change; until it is interrupted or the Canary is gone. */
async function watch(cluster: Cluster, call: Call, first: CanaryObject): Promise<void> {
  const { clock, signal, stdout } = call.world;
  const changes = createChanges(clock, signal);
  const ending = new AbortController();
  const { name } = first.metadata;
  const held = watchOne<CanaryObject>({
    cluster,
    kind: kinds.canary,
    name,
    clock,
    signal: AbortSignal.any([signal, ending.signal]),
    onChange: () => changes.note(),
    onRefused: (error) => changes.fail(error),
  });
  const live = stdout.isTTY === true;
  const progress = createProgress(call.world, "none");
  const seen = createSeen();
  try {
    for (;;) {
      await changes.next(live ? REDRAW_MS : Infinity);
      const { object: canary, known, trouble } = held;
      if (known && canary === undefined) throw new CliError("notFound", `the Canary ${name} is gone`);
      if (canary === undefined) continue;
      seen.note(canary.status);
      if (!live) {
        for (const line of linesOf(canary.status)) progress.line(line);
        continue;
      }
      const lines = await draw(cluster, call, { canary, seen: seen.values });
      const warning = trouble === undefined ? [] : [`the API server does not answer: ${trouble}`];
      stdout.write(`${CLEAR}${[...lines, ...warning].join("\n")}\n`);
    }
  } finally {
    ending.abort();
  }
}

function linesOf(status: CanaryStatus | undefined): readonly string[] {
  const { phase = "Unknown", step = "", weight = 0, why } = status ?? {};
  return [[phase, step, `${weight} %`, why?.message].filter(Boolean).join("  ")];
}

const KEPT = 30;

/** The values of checks that came while one looked: the status holds only the last one. */
function createSeen(): { readonly values: ReadonlyMap<string, readonly number[]>; note(status?: CanaryStatus): void } {
  const values = new Map<string, readonly number[]>();
  const times = new Map<string, string | undefined>();
  return {
    values,
    note(status) {
      for (const { name, value: read, evidence, lastReading } of status?.checks ?? []) {
        // Of a slo or comparison what its first test amounts to is shown.
        const value = read ?? evidence?.[0]?.evidence;
        if (value === undefined || times.get(name) === lastReading) continue;
        times.set(name, lastReading);
        values.set(name, [...(values.get(name) ?? []), value].slice(-KEPT));
      }
    },
  };
}

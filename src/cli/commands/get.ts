import { isKubeError } from "../../kube/errors.ts";
import { kinds } from "../../kube/kinds.ts";
import { formatDuration } from "../../lib/time.ts";
import { trueCondition } from "../canaryObject.ts";
import type { CanaryObject } from "../canaryObject.ts";
import { findCanary, notInstalled, parseReference, withCluster } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import type { Call } from "../command.ts";
import { exitCodes } from "../exitCodes.ts";
import { objectFormat, printObject } from "../output.ts";
import { ageOf, shortImage, table } from "../table.ts";

/** Lists Canaries. */
export async function run(call: Call): Promise<number> {
  const { args, options, world } = call;
  return withCluster(call, async (cluster) => {
    const everywhere = options.flag("allNamespaces");
    const canaries =
      args.length === 0
        ? await list(cluster, everywhere)
        : await Promise.all(args.map((name) => findCanary(cluster, parseReference(name))));
    const format = objectFormat(options.text("output"));
    if (format !== undefined) {
      await printObject(world.stdout, format, args.length === 1 ? canaries[0] : listOf(canaries));
    } else if (canaries.length === 0) {
      world.stderr.write(`no Canary ${everywhere ? "in any namespace" : `in namespace ${cluster.namespace}`}\n`);
    } else {
      const shown = { everywhere, wide: options.text("output") === "wide", nowMs: world.clock.now() };
      world.stdout.write(tableOf(canaries, shown));
    }
    return exitCodes.ok.code;
  });
}

async function list({ kube, namespace }: Cluster, everywhere: boolean): Promise<readonly CanaryObject[]> {
  try {
    return (await kube.list<CanaryObject>(kinds.canary, everywhere ? {} : { namespace })).items;
  } catch (error) {
    throw isKubeError(error, "NotFound") ? notInstalled() : error;
  }
}

function listOf(items: readonly CanaryObject[]): object {
  return { apiVersion: "v1", kind: "List", items };
}

interface Shown {
  readonly everywhere: boolean;
  readonly wide: boolean;
  readonly nowMs: number;
}

function tableOf(canaries: readonly CanaryObject[], shown: Shown): string {
  const before = shown.everywhere ? ["NAMESPACE"] : [];
  const more = shown.wide ? ["TARGET", "PROMOTED", "NEW", "REVISION", "READY"] : [];
  const header = [...before, "NAME", "PHASE", "WEIGHT", "STEP", "AGE", ...more, "WHY"];
  return table(
    header,
    canaries.map((canary) => rowOf(canary, shown)),
  );
}

function rowOf({ metadata, spec, status }: CanaryObject, { everywhere, wide, nowMs }: Shown): string[] {
  const { targetRef } = spec;
  const newest = status?.rollout ?? status?.target;
  const more = [
    `${targetRef.kind.toLowerCase()}/${targetRef.name}`,
    (status?.promoted?.images ?? []).map(shortImage).join(","),
    newest?.revision === status?.promoted?.revision ? "" : (newest?.images ?? []).map(shortImage).join(","),
    newest?.revision ?? "",
    trueCondition(status, "Ready") === undefined ? "False" : "True",
  ];
  return [
    ...(everywhere ? [metadata.namespace ?? ""] : []),
    metadata.name,
    status?.phase ?? "Unknown",
    status?.weight === undefined ? "" : String(status.weight),
    status?.step ?? "",
    ageOf(metadata.creationTimestamp, nowMs, formatDuration),
    ...(wide ? more : []),
    trueCondition(status, "Stalled")?.message ?? status?.why?.message ?? "the controller has not looked at it yet",
  ];
}

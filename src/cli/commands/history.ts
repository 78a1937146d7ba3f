import { formatDuration } from "../../lib/time.ts";
import type { HistoryEntry } from "../../api/status.ts";
import { findCanary, parseReference, withCluster } from "../cluster.ts";
import type { Call } from "../command.ts";
import { exitCodes } from "../exitCodes.ts";
import { objectFormat, printObject } from "../output.ts";
import { ageOf, shortImage, table } from "../table.ts";

/** Tells how the last rollouts ended. */
export async function run(call: Call): Promise<number> {
  const { options, world } = call;
  return withCluster(call, async (cluster) => {
    const canary = await findCanary(cluster, parseReference(call.args[0] ?? ""));
    const history = canary.status?.history ?? [];
    const format = objectFormat(options.text("output"));
    if (format !== undefined) await printObject(world.stdout, format, history);
    else if (history.length === 0) world.stderr.write(`${canary.metadata.name}: no rollout has ended yet\n`);
    else world.stdout.write(table(HEADER, history.map(rowAt(world.clock.now()))));
    return exitCodes.ok.code;
  });
}

const HEADER = ["REVISION", "OUTCOME", "ENDED", "TOOK", "WEIGHT", "RELEASE", "IMAGES", "WHY"];

function rowAt(nowMs: number) {
  return ({ revision, outcome, startedAt, finishedAt, weight, release, images, why }: HistoryEntry): string[] => [
    revision,
    outcome,
    `${ageOf(finishedAt, nowMs, formatDuration)} ago`,
    formatDuration(Date.parse(finishedAt) - Date.parse(startedAt)),
    String(weight),
    release ?? "",
    (images ?? []).map(shortImage).join(","),
    why.message,
  ];
}

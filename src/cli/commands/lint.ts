import type { Call } from "../command.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import { adviceOnCanary, adviceOnWorkload, targetOf } from "../lint/advice.ts";
import type { Advice } from "../lint/advice.ts";
import type { Finding } from "../lint/finding.ts";
import { readManifests } from "../lint/manifests.ts";
import type { Manifest, ManifestObject } from "../lint/manifests.ts";
import { adviceOnChecks, adviceOnQueries } from "../lint/queries.ts";
import { isTemplate, sampleOf } from "../lint/templates.ts";
import { paintFor } from "../paint.ts";

/** Looks at manifests without a cluster. Ends with `refused` when there is an error, or with --strict a warning. */
export async function run({ args, options, world }: Call): Promise<number> {
  const { manifests, findings } = await readManifests(args);
  if (manifests.length + findings.length === 0) throw new CliError("usage", "there is no object in these files");
  const refusals = await world.programs.refusals(manifests.map(({ object }) => object));
  const all = [
    ...findings,
    ...manifests.flatMap((manifest, index) => findingsOn(manifest, refusals[index], manifests)),
  ];
  const paint = paintFor(world);
  for (const { file, what, level, message } of all) {
    const painted = level === "error" ? paint.bad(level) : paint.busy(level);
    world.stdout.write(`${file}: ${what}: ${painted}: ${message}\n`);
  }
  const errors = all.filter(({ level }) => level === "error").length;
  const warnings = all.length - errors;
  world.stderr.write(`${manifests.length} objects, ${errors} errors, ${warnings} warnings\n`);
  return exitCodes[errors > 0 || (warnings > 0 && options.flag("strict")) ? "refused" : "ok"].code;
}

function findingsOn(
  { file, object }: Manifest,
  refusal: string | undefined,
  manifests: readonly Manifest[],
): Finding[] {
  const all = manifests.map((manifest) => manifest.object);
  const { kind = "an object without a kind", metadata } = object;
  const refused: readonly Advice[] = refusal === undefined ? [] : [{ level: "error", message: refusal }];
  const isTarget = all.some((candidate) => candidate.kind === "Canary" && targetOf(candidate, all) === object);
  const advice = [
    ...refused,
    ...(kind === "Canary" ? [...adviceOnCanary(object), ...adviceOnQueries(object, all)] : []),
    ...(isTemplate(object) ? adviceOnTemplate(object, all) : []),
    ...(isTarget ? adviceOnWorkload(object) : []),
  ];
  return advice.map((found) => ({ file, what: `${kind} ${metadata?.name ?? ""}`.trim(), ...found }));
}

function adviceOnTemplate(template: ManifestObject, all: readonly ManifestObject[]): readonly Advice[] {
  const { advice, checks } = sampleOf(template);
  return [...advice, ...adviceOnChecks({ metadata: template.metadata, target: "sample", checks }, all)];
}

import { z } from "zod";
import type { WorkloadObject, PodTemplateSpec } from "./objects.ts";
import { annotations } from "../lib/names.ts";
import { rememberByObject } from "../lib/remember.ts";

/** The version that a primary ran before the one that it runs. */
export interface Before {
  readonly revision: string;
  readonly release?: string;
  /** Which copies of configuration its template names, as the primary's annotation has it. */
  readonly configuration?: string;
  /** As the primary had it, with the primary's labels. */
  readonly template: PodTemplateSpec;
}

const schema = z.object({
  revision: z.string().min(1).max(64),
  release: z.string().optional(),
  configuration: z.string().optional(),
  template: z.custom<PodTemplateSpec>((value) => typeof value === "object" && value !== null && "spec" in value),
});

/** What the primary was before it changed; undefined when nobody noted it. */
export const beforeOf = rememberByObject((primary: WorkloadObject): Before | undefined => {
  const noted = primary.metadata.annotations?.[annotations.before];
  if (noted === undefined) return undefined;
  try {
    const { revision, release, configuration, template } = schema.parse(JSON.parse(noted));
    return {
      revision,
      template,
      ...(release === undefined ? {} : { release }),
      ...(configuration === undefined ? {} : { configuration }),
    };
  } catch {
    // Somebody else wrote it. The primary cannot be put back, and whoever asks for it is told so.
    return undefined;
  }
});

/** All annotations of an object together may have 256 KiB; somebody else may have some, too. */
const MAX_BYTES = 192 * 1024;

/**
 * What to note on a primary that is to run `revision` from now on. It stands in the same write as the change, so that no
 * crash comes between the two. A template that is too large for an annotation is not noted.
 */
export function noteBefore(primary: WorkloadObject | undefined, revision: string): string | undefined {
  const marks = primary?.metadata.annotations;
  const runs = marks?.[annotations.revision];
  if (primary === undefined || runs === undefined) return undefined;
  if (runs === revision) return marks?.[annotations.before];
  const release = marks?.[annotations.primaryRelease];
  const configuration = marks?.[annotations.configuration];
  const before: Before = {
    revision: runs,
    ...(configuration === undefined ? {} : { configuration }),
    ...(release === undefined ? {} : { release }),
    template: primary.spec.template,
  };
  const noted = JSON.stringify(before);
  return Buffer.byteLength(noted) > MAX_BYTES ? undefined : noted;
}

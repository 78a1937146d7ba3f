import type { Copies } from "../decide/types.ts";
import { isCopyOfAbsent, recordOf, resourceKindOf } from "../kube/configuration.ts";
import type { FreshReads } from "../kube/fresh.ts";
import type { KubeObject, ObjectRef } from "../kube/port.ts";
import { isOurs } from "../lib/names.ts";
import type { Configuration } from "./configuration.ts";
import type { CopyObject, Scene } from "./scene.ts";

/** The copies that were made for the primary of a target, also those that no primary names any more. */
export function copiesFor(
  reads: FreshReads,
  { kinds }: Pick<Configuration, "kinds">,
  target: Required<ObjectRef>,
): readonly CopyObject[] {
  return kinds.map(resourceKindOf).flatMap((kind) =>
    reads
      .related<KubeObject>(kind, target)
      .filter(isOurs)
      .map((object) => ({ kind, object })),
  );
}

/** The copies as rules see them, beside what the primary says of them. */
export function copiesOf(
  { primary, previous, copies, configuration }: Scene,
  { kinds }: Pick<Configuration, "kinds">,
): { readonly copies?: Copies } {
  const held = copies.map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`);
  const named = Object.entries(recordOf(primary)).flatMap(([id, copy]) => {
    const kind = kinds.find((known) => id.startsWith(`${known}/`));
    // What nobody watches cannot be missed.
    if (kind === undefined || isCopyOfAbsent(copy)) return [];
    return [{ copy: `${kind} ${copy}`, repairable: configuration?.values[id] === copy }];
  });
  if (held.length === 0 && named.length === 0) return {};
  const kept = Object.entries(recordOf(previous)).map(([id, copy]) => `${id.split("/")[0] ?? ""} ${copy}`);
  const missing = named.filter(({ copy }) => !held.includes(copy));
  return {
    copies: {
      held,
      stale: held.filter((copy) => !named.some((one) => one.copy === copy) && !kept.includes(copy)),
      gone: missing.filter(({ repairable }) => repairable).map(({ copy }) => copy),
      lost: missing.filter(({ repairable }) => !repairable).map(({ copy }) => copy),
    },
  };
}

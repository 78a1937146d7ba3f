import { copyOf, isCopyOfAbsent, recordOf, resourceKindOf } from "../kube/configuration.ts";
import type { ConfigurationKind, CopyRecord } from "../kube/configuration.ts";
import { KubeError } from "../kube/errors.ts";
import type { ConfigMap, Secret } from "../kube/objects.ts";
import { annotations, COPY_FOR, MANAGED_BY } from "../lib/names.ts";
import type { Scene } from "../observe/scene.ts";
import type { Writer } from "./writer.ts";

/**
 * Makes the copies of a record that are not there yet. A copy holds the values that its name stands for or is not made
 * at all, so what the primary gets is what was judged, whatever has been written since.
 *
 * @throws KubeError with reason Conflict when an object has other values by now: the next look sees a new revision.
 */
export async function makeCopies(scene: Scene, writer: Writer, record: CopyRecord): Promise<void> {
  for (const [id, copy] of Object.entries(record)) {
    const [kind = "", name = ""] = id.split("/");
    const resource = resourceKindOf(kind as ConfigurationKind);
    const exists = scene.copies.some((held) => held.kind === resource && held.object.metadata.name === copy);
    if (exists || isCopyOfAbsent(copy)) continue;
    const { namespace, target } = scene.names;
    const original = await writer.read<ConfigMap | Secret>(resource, { namespace, name });
    if (original === undefined || copyOf(original, target) !== copy) {
      const message = `${kind} ${namespace}/${name} changed before it was copied for the primary`;
      throw new KubeError({ reason: "Conflict", status: 409, message });
    }
    await writer.apply(resource, copyFrom(original, { name: copy, target }));
  }
}

/** Made again: those that the primary names and that somebody deleted, as far as their values are still there. */
export async function remakeCopies(scene: Scene, writer: Writer): Promise<void> {
  const values = scene.configuration?.values ?? {};
  const named = Object.entries(recordOf(scene.primary)).filter(([id, copy]) => values[id] === copy);
  await makeCopies(scene, writer, Object.fromEntries(named));
}

export async function removeCopies(scene: Scene, writer: Writer, which: "stale" | "all"): Promise<void> {
  const named = [scene.primary, scene.previous].flatMap((object) =>
    Object.entries(recordOf(object)).map(([id, copy]) => `${id.split("/")[0] ?? ""}/${copy}`),
  );
  for (const { kind, object } of scene.copies) {
    if (which === "stale" && named.includes(`${kind.kind}/${object.metadata.name}`)) continue;
    await writer.remove(kind, object);
  }
}

/**
 * Only the values: labels and annotations of the original belong to those who made it, some to tools that would delete
 * what they find under them. Never changed, so the kubelets need not watch it.
 */
function copyFrom(
  original: ConfigMap | Secret,
  { name, target }: { readonly name: string; readonly target: string },
): ConfigMap | Secret {
  const { apiVersion, kind, metadata, data } = original;
  const { type } = original as Secret;
  const { binaryData } = original as ConfigMap;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: metadata.namespace ?? "default",
      labels: { ...MANAGED_BY, [COPY_FOR]: target },
      annotations: { [annotations.copyOf]: metadata.name },
    },
    ...(type === undefined ? {} : { type }),
    ...(data === undefined ? {} : { data }),
    ...(binaryData === undefined ? {} : { binaryData }),
    immutable: true,
  } as ConfigMap | Secret;
}

import type { PatchOperation } from "../kube/port.ts";
import type { Scene } from "../observe/scene.ts";
import { asLookedAt } from "./writer.ts";
import type { Writer } from "./writer.ts";

/** Brings the primary's copies to what they should be; those of objects that are gone go as well. */
export async function ensureCompanions(scene: Scene, writer: Writer, of: "autoscaler" | "guards"): Promise<void> {
  const { wanted, stale } = of === "guards" ? scene.guards : scene.autoscaler.copies;
  // Two autoscalers at a time would work against each other.
  for (const { kind, object } of stale) await writer.remove(kind, object);
  for (const { kind, object } of wanted) await writer.apply(kind, object);
}

export async function removeCompanions(scene: Scene, writer: Writer): Promise<void> {
  const copies = [...scene.autoscaler.copies.existing, ...scene.guards.existing];
  for (const { kind, object } of copies) await writer.remove(kind, object);
}

const ANNOTATIONS = "/metadata/annotations";
const PAUSED = "autoscaling.keda.sh~1paused";

/** Holds the user's autoscaler still while the target is idle. Nothing else of it is ever written. */
export async function pauseAutoscaler(scene: Scene, writer: Writer): Promise<void> {
  const { source, view } = scene.autoscaler;
  if (source === undefined || view?.paused !== false) return;
  const held = source.object.metadata.annotations;
  const operations: PatchOperation[] = [
    ...(held === undefined ? [asLookedAt(source.object), { op: "add", path: ANNOTATIONS, value: {} } as const] : []),
    { op: "add", path: `${ANNOTATIONS}/${PAUSED}`, value: "true" },
  ];
  await writer.patch(source.kind, source.object, operations);
}

export async function resumeAutoscaler(scene: Scene, writer: Writer): Promise<void> {
  const { source, view } = scene.autoscaler;
  if (source === undefined || view?.paused !== true) return;
  await writer.patch(source.kind, source.object, [{ op: "remove", path: `${ANNOTATIONS}/${PAUSED}` }]);
}

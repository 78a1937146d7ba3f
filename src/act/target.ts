import type { PodTemplateSpec, WorkloadObject } from "../kube/objects.ts";
import type { PatchOperation } from "../kube/port.ts";
import type { Scene } from "../observe/scene.ts";
import { pauseAutoscaler } from "./companions.ts";
import { targetTemplateFrom } from "./primary.ts";
import type { Writer } from "./writer.ts";

type TargetAction =
  | { readonly kind: "scaleTarget"; readonly replicas: number }
  | { readonly kind: "freezeTarget"; readonly generation: number }
  | { readonly kind: "thawTarget" }
  | { readonly kind: "parkTarget"; readonly replicas: number }
  | { readonly kind: "restoreTarget"; readonly replicas: number; readonly template: "keep" | "promoted" | "previous" };

/** Changes the target's size, its freeze, and at Restore its template: nothing else in it is ours to change. */
export async function changeTarget(scene: Scene, writer: Writer, action: TargetAction): Promise<void> {
  const { target } = scene;
  if (target === undefined) return;
  // First, or it would bring the pods back.
  if (action.kind === "parkTarget") await pauseAutoscaler(scene, writer);
  await writer.patch(scene.workload.kind, target, operationsFor(scene, target, action));
}

function operationsFor(scene: Scene, target: WorkloadObject, action: TargetAction): readonly PatchOperation[] {
  const { workload } = scene;
  switch (action.kind) {
    case "scaleTarget":
      return workload.resize(target, action.replicas);
    case "freezeTarget":
      // The pods that were looked at are those of this generation; a newer template must not be frozen unseen.
      return [{ op: "test", path: "/metadata/generation", value: action.generation }, ...workload.freeze(target)];
    case "thawTarget":
      return workload.thaw(target);
    case "parkTarget":
      return [...workload.resize(target, action.replicas), ...workload.thaw(target)];
    case "restoreTarget":
      return restore(scene, target, action);
  }
}

function restore(
  { workload, primary, previous, label }: Scene,
  target: WorkloadObject,
  { replicas, template }: Extract<TargetAction, { kind: "restoreTarget" }>,
): readonly PatchOperation[] {
  const from = template === "previous" ? previous : primary;
  if (template === "keep" || from === undefined || label === undefined) {
    return [...workload.resize(target, replicas), ...workload.thaw(target)];
  }
  const promoted = targetTemplateFrom(from, target, label.key);
  const restored: WorkloadObject = { ...target, spec: { ...target.spec, template: promoted } };
  return [...replaceTemplate(target, promoted), ...workload.resize(restored, replicas), ...workload.thaw(restored)];
}

function replaceTemplate(target: WorkloadObject, template: PodTemplateSpec): readonly PatchOperation[] {
  return [
    { op: "test", path: "/metadata/generation", value: target.metadata.generation ?? 0 },
    { op: "replace", path: "/spec/template", value: template },
  ];
}

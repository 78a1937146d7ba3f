import { kinds } from "../kube/kinds.ts";
import type { Deployment } from "../kube/objects.ts";
import type { PatchOperation } from "../kube/port.ts";
import type { Scene } from "../observe/scene.ts";
import { targetTemplateFrom } from "./primary.ts";
import type { Writer } from "./writer.ts";

type TargetAction =
  | { readonly kind: "scaleTarget"; readonly replicas: number }
  | { readonly kind: "freezeTarget"; readonly generation: number }
  | { readonly kind: "thawTarget" }
  | { readonly kind: "parkTarget" }
  | { readonly kind: "restoreTarget"; readonly replicas: number; readonly template: "keep" | "promoted" };

/** Changes the target's size, its freeze, and at Restore its template: nothing else in it is ours to change. */
export async function changeTarget(scene: Scene, writer: Writer, action: TargetAction): Promise<void> {
  const { target } = scene;
  if (target === undefined) return;
  await writer.patch(kinds.deployment, target, operationsFor(scene, target, action));
}

function operationsFor(scene: Scene, target: Deployment, action: TargetAction): readonly PatchOperation[] {
  switch (action.kind) {
    case "scaleTarget":
      return [size(target, action.replicas)].flat();
    case "freezeTarget":
      // The pods that were looked at are those of this generation; a newer template must not be frozen unseen.
      return [
        { op: "test", path: "/metadata/generation", value: action.generation },
        { op: "add", path: "/spec/paused", value: true },
      ];
    case "thawTarget":
      return thaw(target);
    case "parkTarget":
      return [...size(target, 0), ...thaw(target)];
    case "restoreTarget":
      return [...template(scene, target, action.template), ...size(target, action.replicas), ...thaw(target)];
  }
}

function size(target: Deployment, replicas: number): PatchOperation[] {
  return target.spec.replicas === replicas ? [] : [{ op: "add", path: "/spec/replicas", value: replicas }];
}

function thaw(target: Deployment): PatchOperation[] {
  return target.spec.paused === true ? [{ op: "remove", path: "/spec/paused" }] : [];
}

function template(scene: Scene, target: Deployment, which: "keep" | "promoted"): PatchOperation[] {
  const { primary, label } = scene;
  if (which === "keep" || primary === undefined || label === undefined) return [];
  return [
    { op: "test", path: "/metadata/generation", value: target.metadata.generation ?? 0 },
    { op: "replace", path: "/spec/template", value: targetTemplateFrom(primary, target, label) },
  ];
}

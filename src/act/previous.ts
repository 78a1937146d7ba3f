import type { Before } from "../kube/before.ts";
import { apiVersionOf, kinds } from "../kube/kinds.ts";
import type { WorkloadObject } from "../kube/objects.ts";
import { previousLabelOf } from "../lib/labels.ts";
import { annotations, MANAGED_BY } from "../lib/names.ts";
import type { Scene } from "../observe/scene.ts";
import { templateWith } from "./primary.ts";
import { ensureService } from "./services.ts";
import type { Writer } from "./writer.ts";

/**
 * Pods of what the primary runs live on as `<name>-previous`, with a value of their own of the label that tells pods
 * apart, and with a Service that lists them for the feeds. No ownerReference, as for the primary: they may have to serve.
 */
export async function keepPrevious(scene: Scene, writer: Writer, replicas: number): Promise<void> {
  const { primary, label, workload, names } = scene;
  if (primary === undefined || label === undefined) return;
  const { key, value } = previousLabelOf(label);
  const selector = { ...primary.spec.selector.matchLabels, [key]: value };
  const marks = primary.metadata.annotations ?? {};
  const kept = [annotations.revision, annotations.primaryRelease, annotations.configuration];
  const labels = primary.metadata.labels ?? {};
  const previous: WorkloadObject = {
    apiVersion: apiVersionOf(workload.kind),
    kind: workload.kind.kind,
    metadata: {
      name: names.previous,
      namespace: names.namespace,
      labels: { ...(key in labels ? { ...labels, [key]: value } : labels), ...MANAGED_BY },
      // The copies of its configuration are never changed: it shares them with the primary for as long as it lives.
      annotations: Object.fromEntries(Object.entries(marks).filter(([key]) => kept.some((one) => one === key))),
    },
    spec: {
      ...workload.primarySpec(primary, { name: names.previous, replicas }),
      selector: { ...primary.spec.selector, matchLabels: selector },
      template: templateWith(primary, key, value),
    },
  };
  await writer.apply(workload.kind, previous);
  await ensureService(scene, writer, { which: "previous", selector });
}

export async function deletePrevious(scene: Scene, writer: Writer): Promise<void> {
  const { previous, previousService, workload } = scene;
  if (previousService.service !== undefined) await writer.remove(kinds.service, previousService.service);
  if (previous !== undefined) await writer.remove(workload.kind, previous);
}

/** What the kept pods run, as the primary has it. */
export function versionOfPrevious({ previous, label }: Scene): Before | undefined {
  const marks = previous?.metadata.annotations;
  const revision = marks?.[annotations.revision];
  if (previous === undefined || label === undefined || revision === undefined) return undefined;
  const release = marks?.[annotations.primaryRelease];
  const template = templateWith(previous, label.key, label.value);
  const configuration = marks?.[annotations.configuration];
  return {
    revision,
    template,
    ...(release === undefined ? {} : { release }),
    ...(configuration === undefined ? {} : { configuration }),
  };
}

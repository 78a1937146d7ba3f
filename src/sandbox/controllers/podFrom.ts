import type { Labels, Pod, PodSpec, PodTemplateSpec } from "../../kube/objects.ts";
import type { KubeObject } from "../../kube/port.ts";
import { ownerReference } from "./owners.ts";

interface PodInput {
  readonly name: string;
  readonly template: PodTemplateSpec;
  /** Beside those of the template. */
  readonly labels?: Labels;
  /** What the controller adds to the template's. */
  readonly spec: Partial<PodSpec>;
}

/** A pod that a controller makes for `owner` from a template. */
export function podFrom(owner: KubeObject, { name, template, labels, spec }: PodInput): Pod {
  const { namespace } = owner.metadata;
  const all = labels === undefined ? template.metadata?.labels : { ...template.metadata?.labels, ...labels };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `${owner.metadata.name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      ...(all === undefined ? {} : { labels: all }),
      ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: { ...template.spec, ...spec },
  };
}

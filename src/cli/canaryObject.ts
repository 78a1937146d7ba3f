import type { CanaryStatus } from "../api/status.ts";
import type { WorkloadObject } from "../kube/objects.ts";
import type { KubeObject } from "../kube/port.ts";

/** A Canary as the API server has it: what commands read is not checked again, so that they start quickly. */
export interface CanaryObject extends KubeObject {
  readonly spec: {
    readonly targetRef: { readonly kind: string; readonly name: string };
    readonly suspend?: boolean;
    readonly strategy?: object;
    readonly [other: string]: unknown;
  };
  readonly status?: CanaryStatus;
}

export type Workload = WorkloadObject;

export function imagesOf({ spec }: Workload): readonly string[] {
  return spec.template.spec.containers.flatMap(({ image }) => image ?? []);
}

/** Whether `wanted` is `image`, or its end after a slash: `podinfo:6.0.2` of `registry.example/podinfo:6.0.2`. */
export function isImage(image: string, wanted: string): boolean {
  return image === wanted || image.endsWith(`/${wanted}`);
}

/** Its condition of a type when that is true. */
export function trueCondition(status: CanaryStatus | undefined, type: string) {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

import type { Condition, LabelSelector, PodTemplateSpec } from "./objects.ts";
import type { KubeObject } from "./port.ts";

/** The fields of batch/v1 Jobs that Aviary sets or reads. */
export interface Job extends KubeObject {
  readonly spec: {
    readonly backoffLimit?: number;
    readonly activeDeadlineSeconds?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly suspend?: boolean;
    readonly podFailurePolicy?: {
      readonly rules: readonly {
        readonly action: "Ignore";
        readonly onPodConditions: readonly { readonly type: string; readonly status: "True" }[];
      }[];
    };
    readonly selector?: LabelSelector;
    readonly template: PodTemplateSpec;
  };
  readonly status?: {
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly active?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    /** Complete or Failed once it has ended; SuccessCriteriaMet or FailureTarget while its last pods go. */
    readonly conditions?: readonly Condition[];
  };
}

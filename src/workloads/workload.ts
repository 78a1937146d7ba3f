import type { PodTemplateSpec, Service, WorkloadObject } from "../kube/objects.ts";
import type { PatchOperation, ResourceKind } from "../kube/port.ts";

/** How the pods of a workload stand. */
export interface Standing {
  /** The size that is asked for; 0 is idle. */
  readonly replicas: number;
  /** It runs on every node that takes it, or nowhere: `replicas` cannot be chosen. */
  readonly perNode?: true;
  /** Its pods keep their template, whatever is applied. */
  readonly frozen: boolean;
  /** Pods of the newest template that are available; 0 while pods of another one are left. */
  readonly available: number;
  /** Every pod runs the newest template and is available, none is left over, and its controller has seen all of it. */
  readonly settled: boolean;
  /** Pods of an older template that do not get ready keep its controller from trying the newest: they have to go first. */
  readonly stuck?: true;
  /** A rolling update takes a pod away before it brings the next: it cannot keep its size meanwhile. */
  readonly inPlace?: true;
  /** What its controller says is wrong, in the words of the cluster. */
  readonly trouble?: string;
}

/** Why a workload cannot be a target. */
export interface Refusal {
  /** `Unsafe` is what `spec.allowUnsafe` accepts; `Unsupported` is never accepted. */
  readonly severity: "Unsafe" | "Unsupported";
  /** The rest of a sentence whose subject is the target, such as `its strategy is Recreate`. */
  readonly what: string;
  /** What to do, where it is more than what is said of every target. */
  readonly hint?: string;
}

export interface RefusalInput<T> {
  readonly target: T;
  /** Its freeze is Aviary's from then on. */
  readonly adopted: boolean;
  /** A Service of the target's namespace. */
  readonly service: (name: string) => Service | undefined;
}

/** A field that Aviary moves in a workload of the user's. */
export interface ForeignField {
  readonly path: RegExp;
  readonly why: string;
}

/**
 * A kind of workload that can be a target. All members are pure; `act` performs the writes, which are JSON patches of
 * the user's object and touch no more than `foreignFields`.
 */
export interface WorkloadKind<T extends WorkloadObject = WorkloadObject> {
  readonly kind: ResourceKind;
  readonly foreignFields: readonly ForeignField[];
  /** Why it cannot be a target, beyond what its pods say. */
  refuse(input: RefusalInput<T>): Refusal | undefined;
  /** The Service that gives its pods names in DNS; it may select them where `refuse` lets it. */
  namingService?(target: T): string | undefined;
  standing(workload: T): Standing;
  /** Operations that give it `replicas` pods, 0 being idle; empty when it asks for as many already. */
  resize(target: T, replicas: number): readonly PatchOperation[];
  freeze(target: T): readonly PatchOperation[];
  /** Empty when it is not frozen. */
  thaw(target: T): readonly PatchOperation[];
  /** The user's template: without what `resize` writes there to idle the target. */
  template(target: T): PodTemplateSpec;
  /** The spec of the primary but for selector and template, which are alike for all kinds. */
  primarySpec(
    target: T,
    primary: { readonly name: string; readonly replicas: number },
  ): Readonly<Record<string, unknown>>;
}

/** Of every kind. */
export const templateField: ForeignField = { path: /^\/spec\/template$/, why: "the promoted template, at Restore" };

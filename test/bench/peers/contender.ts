import type { CreateInput, KubeObject } from "../../cluster/harness/cluster.ts";
import type { RunningProcess } from "../../cluster/harness/processes.ts";

/** A controller that shifts traffic, as the bench runs it: started, given a fleet, and told to release it. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Whom its requests to the API server come from. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string };
  start(where: Surroundings): Promise<RunningProcess>;
  /** One member of the fleet: what its user makes, in the order of making. */
  manifests(name: string, namespace: string): readonly CreateInput[];
  /** The kind whose objects say that a member rests on its first version. */
  readonly rest: Told<boolean>;
  /** The kind that carries the weight: percent that the canary gets. */
  readonly weight: Told<number>;
  /** What a user changes to release a version. */
  readonly released: { readonly apiVersion: string; readonly kind: string };
}

export interface Surroundings {
  readonly kubeconfig: string;
  /** Says that all is well. */
  readonly prometheusUrl: string;
  readonly logFile: string;
}

export interface Told<T> {
  readonly apiVersion: string;
  readonly kind: string;
  /** The member that an object belongs to, and what it says; nothing where it belongs to none. */
  read(object: KubeObject): { readonly member: string; readonly value: T } | undefined;
}

/** Members of a kind whose status has a `phase`, and that rest in this one. */
export function restsIn(phase: string, kind: { readonly apiVersion: string; readonly kind: string }): Told<boolean> {
  return { ...kind, read: (object) => ({ member: object.metadata.name, value: phaseOf(object) === phase }) };
}

function phaseOf(object: KubeObject): string | undefined {
  return (object["status"] as { readonly phase?: string } | undefined)?.phase;
}

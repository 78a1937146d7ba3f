import { daemonSet } from "./daemonSet.ts";
import { deployment } from "./deployment.ts";
import { statefulSet } from "./statefulSet.ts";
import type { WorkloadKind } from "./workload.ts";

/** Every kind of workload that can be a target. A new one is one file and one line here. */
export const workloads: readonly WorkloadKind[] = [deployment, daemonSet, statefulSet];

/** The kinds that `spec.targetRef.kind` may name. */
export const targetKinds: readonly string[] = workloads.map(({ kind }) => kind.kind);

/** @throws Error for a kind that the schema lets not through. */
export function workloadNamed(name: string): WorkloadKind {
  const found = workloads.find(({ kind }) => kind.kind === name);
  if (found === undefined) throw new Error(`there is no kind of workload named ${name}`);
  return found;
}

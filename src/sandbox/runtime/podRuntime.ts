import type { Pod } from "../../kube/objects.ts";
import type { PodBehaviour } from "./behaviour.ts";

/** Where pods really run. */
export interface PodRuntime {
  /** Starts the pod's program; resolves when it accepts requests. @throws when it cannot. */
  start(pod: Pod, behaviour: PodBehaviour): Promise<RunningPod>;
  /** Ends all pods that still run. */
  stop(): Promise<void>;
}

export interface RunningPod {
  /** The pod's own address. */
  readonly ip: string;
  /** Accepts nothing new, finishes what is in flight within `graceMs`, and ends. */
  stop(graceMs: number): Promise<void>;
}

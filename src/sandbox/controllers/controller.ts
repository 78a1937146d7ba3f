import type { Informers } from "../../kube/informer.ts";
import type { Kube } from "../../kube/port.ts";
import type { Clock } from "../../lib/time.ts";
import type { Random } from "../random.ts";

/** What every controller of the sandbox works with. */
export interface ControllerContext {
  readonly kube: Kube;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (message: string) => void;
}

/** A control loop that runs until it is stopped. */
export interface Controller {
  stop(): Promise<void>;
}

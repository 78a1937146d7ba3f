import type { WorldModel } from "./world/world.ts";

/** What `aviary` starts beside its own commands; the composition root hands it in, since the command may not know it. */
export interface Programs {
  readonly version: string;
  /** Runs the controller with these arguments. Answers the exit code. */
  controller(args: readonly string[]): Promise<number>;
  /** Runs the sandbox with these arguments until it is interrupted. */
  sandbox(args: readonly string[]): Promise<number>;
  /** What an API server with Aviary's CRDs would say to each object; undefined where it would take it. */
  refusals(objects: readonly object[]): Promise<readonly (string | undefined)[]>;
  /** Releases a new version of a Canary's workload on virtual time. @throws AbortError when the signal is aborted. */
  simulate(simulation: Simulation): Promise<Simulated | Refused>;
}

export interface Simulation {
  /** Objects in any order, the Canary among them. */
  readonly objects: readonly object[];
  readonly canary: object;
  readonly world: WorldModel;
  /** Hears that no object was refused: it begins. */
  readonly onBegin: () => void;
  readonly onChange: (change: SimulatedChange) => void;
  /** Hears what was taken for granted. */
  readonly onNote: (note: string) => void;
  readonly signal: AbortSignal;
}

/** What an API server would say to each object; undefined where it would take it. Nothing was simulated. */
export interface Refused {
  readonly refusals: readonly (string | undefined)[];
}

/** One change of what the Canary says of itself. */
export interface SimulatedChange {
  /** Milliseconds since the release. */
  readonly atMs: number;
  readonly phase: string;
  /** As `2/6`; undefined between rollouts. */
  readonly step: string | undefined;
  readonly weight: number;
  readonly rule: string;
  readonly message: string;
}

export interface Simulated {
  readonly outcome: "promoted" | "rolledBack" | "undecided" | "stalled";
  readonly message: string;
  /** From the release to the end, in milliseconds. */
  readonly tookMs: number;
  /** Requests of users that the new version answered, and those of them that failed. */
  readonly canaryRequests: number;
  readonly canaryFailures: number;
  /** Names of the checks that may ask for a value, since their queries are their own; none when nobody has asked yet. */
  readonly asked: readonly string[];
}

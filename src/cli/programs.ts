/** What `aviary` starts beside its own commands; the composition root hands it in, since the command may not know it. */
export interface Programs {
  readonly version: string;
  /** Runs the controller with these arguments. Answers the exit code. */
  controller(args: readonly string[]): Promise<number>;
  /** Runs the sandbox with these arguments until it is interrupted. */
  sandbox(args: readonly string[]): Promise<number>;
  /** What an API server with Aviary's CRDs would say to each object; undefined where it would take it. */
  refusals(objects: readonly object[]): Promise<readonly (string | undefined)[]>;
}

/** How a command can end. The numbers are a contract with scripts and never change their meaning. */
export const exitCodes = {
  ok: { code: 0, says: "Done. For `wait` and `simulate`: the revision is promoted." },
  error: {
    code: 1,
    says: "Something went wrong that is none of the below: no permission, no API server, a bad kubeconfig.",
  },
  usage: { code: 2, says: "The command line is wrong." },
  rolledBack: { code: 3, says: "The revision was rolled back." },
  held: { code: 4, says: "The rollout waits for a person: an approval, a pause, or `spec.suspend`." },
  superseded: {
    code: 5,
    says: "Another revision took the place of this one before it was decided, or it was reverted.",
  },
  stalled: { code: 6, says: "The Canary is stalled: somebody has to mend something first." },
  notFound: { code: 7, says: "There is no such Canary or workload, or no Canary for it." },
  timedOut: { code: 8, says: "The time is up and nothing is decided." },
  refused: { code: 9, says: "The controller refused the action, or `lint` or `simulate` found a mistake." },
  interrupted: { code: 130, says: "Interrupted." },
} as const;

export type Ending = keyof typeof exitCodes;

/** A sentence for people on the error stream, and how the command ends. */
export class CliError extends Error {
  readonly ending: Ending;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(ending: Ending, message: string, hint?: string) {
    super(message);
    this.name = "CliError";
    this.ending = ending;
    this.hint = hint;
  }
}

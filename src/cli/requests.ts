import type { ActionName } from "../api/canaryAction.ts";
import type { CommandDefinition, OptionDefinition, Options } from "./command.ts";

/** A command that creates a CanaryAction. */
interface Request {
  readonly name: string;
  readonly summary: string;
  readonly details?: string;
  readonly options?: readonly OptionDefinition[];
  readonly action: (options: Options) => ActionName;
  readonly reason: string;
}

const all: readonly Request[] = [
  {
    name: "approve",
    summary: "Opens the pause that a rollout waits at",
    options: [{ flags: "--step <number>", help: "The pause step that is meant; the current one when left out." }],
    action: () => "Approve",
    reason: "looked at the dashboards",
  },
  {
    name: "pause",
    summary: "Stops a rollout where it is; its checks go on",
    action: () => "Pause",
    reason: "looking into something",
  },
  { name: "resume", summary: "Lets a paused rollout go on", action: () => "Resume", reason: "it was nothing" },
  {
    name: "promote",
    summary: "Ends the current step now",
    details: "The next one is judged like any other.",
    options: [{ flags: "--full", help: "Promote now, without further analysis." }],
    action: (options) => (options.flag("full") ? "PromoteFull" : "Promote"),
    reason: "seen enough",
  },
  {
    name: "abort",
    summary: "Rolls back now; outranks everything else",
    action: () => "Abort",
    reason: "customers report empty carts",
  },
  {
    name: "retry",
    summary: "Runs a revision that was rolled back again",
    action: () => "Retry",
    reason: "the database was down",
  },
  {
    name: "skip",
    summary: "Ships the revision without analysis",
    details: "Also one that was rolled back or has not begun.",
    action: () => "Skip",
    reason: "the fix for the outage cannot wait",
  },
  {
    name: "rollback",
    summary: "Takes the promoted revision back",
    details: "Only while the pods of the version before are kept (spec.keepPreviousFor).",
    action: () => "Rollback",
    reason: "orders are charged twice",
  },
];

const common: readonly OptionDefinition[] = [
  { flags: "--reason <text>", help: "Why, for people: shown in the status and in events." },
  {
    flags: "--revision <revision>",
    help: "Refused when it is another one by then; the one that you would see now when left out.",
  },
  { flags: "--timeout <duration>", help: "How long to wait for the controller's answer.", fallback: "30s" },
];

/** The commands that ask something of a rollout. */
export const requests: readonly CommandDefinition[] = all.map(
  ({ name, summary, details, options, action, reason }) => ({
    name,
    summary,
    details: `${details === undefined ? "" : `${details} `}It creates a CanaryAction, waits for the controller's answer and prints it.`,
    arguments: [{ syntax: "<name>", help: "A Canary, or its workload as deploy/NAME, ds/NAME or sts/NAME." }],
    options: [...(options ?? []), ...common],
    cluster: true,
    examples: [
      { line: `aviary ${name} podinfo -n shop --reason "${reason}"`, says: "With the reason for others to read." },
    ],
    load: async () => (await import("./commands/act.ts")).acting(action),
  }),
);

import type { CommandDefinition, OptionDefinition } from "./command.ts";
import { requests } from "./requests.ts";

const canary = {
  syntax: "<name>",
  help: "A Canary, or its workload as deploy/NAME, ds/NAME or sts/NAME.",
} as const;

const objectOutput: OptionDefinition = {
  flags: "-o, --output <format>",
  help: "For machines.",
  choices: ["json", "yaml"],
};

/** Every command, in the order in which help and documentation list them. What one does is loaded when it is called. */
export const commands: readonly CommandDefinition[] = [
  {
    name: "get",
    summary: "Lists Canaries: phase, weight, step and why",
    arguments: [{ ...canary, syntax: "[names...]" }],
    options: [
      { flags: "-A, --all-namespaces", help: "Of all namespaces." },
      {
        flags: "-o, --output <format>",
        help: "wide has more columns; json and yaml are for machines.",
        choices: ["wide", "json", "yaml"],
      },
    ],
    cluster: true,
    examples: [
      { line: "aviary get", says: "All of the namespace of the current context." },
      { line: "aviary get -A -o wide", says: "All there are, with images and revisions." },
    ],
    load: () => import("./commands/get.ts"),
  },
  {
    name: "status",
    summary: "Shows one Canary: steps, weight, checks, pods, and what it waits for",
    arguments: [canary],
    options: [
      {
        flags: "-w, --watch",
        help: "Go on until interrupted: a live picture on a terminal, elsewhere a line for each change.",
      },
      objectOutput,
    ],
    cluster: true,
    examples: [
      { line: "aviary status podinfo -n shop", says: "How it stands now." },
      { line: "aviary status podinfo -n shop --watch", says: "The same, live." },
    ],
    load: () => import("./commands/status.ts"),
  },
  {
    name: "wait",
    summary: "Waits for the end of a revision, for CI",
    details:
      "It follows the revision that the workload has when the command begins, or the one that is named, and prints a line for each change. The exit code says how it ended; see docs/ci.md.",
    arguments: [canary],
    options: [
      {
        flags: "--image <image>",
        help: "Wait until the workload has this image, and follow that revision. The end after a slash is enough.",
      },
      {
        flags: "--release <text>",
        help: "The same for the workload's annotation aviary.dev/release, such as a commit.",
      },
      { flags: "--revision <revision>", help: "The revision itself, as in status.target.revision." },
      { flags: "--timeout <duration>", help: "How long at most.", fallback: "30m" },
      { flags: "--through-holds", help: "Go on waiting while a person is waited for, rather than end as held." },
      {
        flags: "--stall-grace <duration>",
        help: "How long the Canary has to be stalled before that is an ending.",
        fallback: "15s",
      },
      {
        flags: "--groups <kind>",
        help: "Fold the lines of a step for the CI system that shows them.",
        choices: ["auto", "none", "github", "gitlab"],
        fallback: "auto",
      },
    ],
    cluster: true,
    examples: [
      { line: "aviary wait deploy/podinfo -n shop", says: "What was just applied." },
      {
        line: "aviary wait deploy/podinfo -n shop --image podinfo:6.9.1 --timeout 20m",
        says: "What a GitOps tool is going to apply.",
      },
    ],
    load: () => import("./commands/wait.ts"),
  },
  ...requests,
  {
    name: "history",
    summary: "Tells how the last rollouts ended, and why",
    arguments: [canary],
    options: [objectOutput],
    cluster: true,
    examples: [{ line: "aviary history podinfo -n shop", says: "The newest first." }],
    load: () => import("./commands/history.ts"),
  },
  {
    name: "explain",
    summary: "Tells which rule decided, what it saw, and what was decided before",
    arguments: [canary],
    options: [{ flags: "--rules", help: "List all rules in the order in which they were asked." }],
    cluster: true,
    examples: [
      { line: "aviary explain podinfo -n shop", says: "Why it stands where it stands." },
      {
        line: "aviary explain podinfo -n shop --rules",
        says: "With every rule that was asked and had nothing to say.",
      },
    ],
    load: () => import("./commands/explain.ts"),
  },
  {
    name: "lint",
    summary: "Looks at manifests: what the API server would refuse, and what is allowed but unwise",
    details:
      "It needs no cluster. Give the Canary together with its workload and its MetricProvider, so that they can be looked at together.",
    arguments: [{ syntax: "<files...>", help: "Files with YAML, or folders." }],
    options: [{ flags: "--strict", help: "End with an error for warnings as well." }],
    examples: [{ line: "aviary lint canary.yaml deployment.yaml", says: "Before the commit." }],
    load: () => import("./commands/lint.ts"),
  },
  {
    name: "simulate",
    summary:
      "Tells what would become of a release with these manifests: when it is promoted or rolled back, and who is harmed",
    details:
      "The production controller lives through a release on virtual time, in this process, without a cluster. A world file says how both versions answer and what else happens meanwhile, see docs/simulate.md; the options say it for short, and come before the file. What nobody says is taken to go well, and what the Canary refers to and the files do not hold is made up. Ends with 0 when the release is promoted, 3 when it is rolled back, 8 when it is not decided, 6 when it stalls.",
    arguments: [{ syntax: "<files...>", help: "Files with YAML, or folders: the Canary, and what belongs to it." }],
    options: [
      { flags: "--canary <name>", help: "Which Canary is meant, where the files hold several." },
      { flags: "--world <file>", help: "YAML or JSON: what the world does meanwhile. Options here come before it." },
      {
        flags: "--canary-errors <percent>",
        help: "How many requests to the new version fail; as many as of the one before when left out.",
      },
      { flags: "--primary-errors <percent>", help: "How many to the version before fail; 0.1% when left out." },
      {
        flags: "--canary-latency <duration>",
        help: "Half of the requests to the new version take longer; as to the one before when left out.",
      },
      { flags: "--primary-latency <duration>", help: "The same for the version before; 100ms when left out." },
      { flags: "--rps <number>", help: "Requests in a second, to both together; 100 when left out." },
      {
        flags: "--value <check=number>",
        help: "What a check with a query of its own reads; it passes when left out. May be given several times.",
        repeatable: true,
      },
      { flags: "--replicas <number>", help: "Pods of the workload; as its manifest says when left out." },
      { flags: "--seed <number>", help: "Another one draws other requests; 1 when left out." },
      { flags: "--timeout <duration>", help: "How much simulated time at most; 24h when left out." },
      { flags: "-o, --output <format>", help: "For machines, see docs/simulate.md.", choices: ["json"] },
      { flags: "--json", help: "The same as -o json." },
    ],
    examples: [
      { line: "aviary simulate canary.yaml deployment.yaml", says: "A version that is as good as the one before." },
      {
        line: "aviary simulate canary.yaml deployment.yaml --canary-errors 5% --rps 20",
        says: "One that fails more often, on a quiet service.",
      },
      {
        line: "aviary simulate canary.yaml deployment.yaml --value success-rate=90",
        says: "One for which the check success-rate, which has a query of its own, reads 90.",
      },
      {
        line: "aviary simulate canary.yaml deployment.yaml --world examples/simulate/outage.yaml --json",
        says: "In a world that a file describes, for machines.",
      },
    ],
    load: () => import("./commands/simulate.ts"),
  },
  {
    name: "sandbox",
    summary: "Runs a small Kubernetes on this machine to try Aviary on, until it is interrupted",
    details: "It prints a kubeconfig. Not for production; see docs/sandbox.md.",
    arguments: [{ syntax: "[flags...]", help: "--help lists them." }],
    passThrough: true,
    examples: [
      { line: "aviary sandbox", says: "On free ports." },
      { line: "aviary sandbox --port 16443", says: "The Kubernetes API on a port of your choice." },
    ],
    load: () => import("./commands/sandbox.ts"),
  },
  {
    name: "controller",
    summary: "Runs the controller",
    details: "Its flags are in docs/configuration.md.",
    arguments: [{ syntax: "[flags...]", help: "--help lists them." }],
    passThrough: true,
    examples: [
      { line: "aviary controller --leader-elect", says: "As in a cluster." },
      { line: "aviary controller --help", says: "Every flag, with its default." },
    ],
    load: () => import("./commands/controller.ts"),
  },
  {
    name: "completion",
    summary: "Prints a script that completes commands and options in a shell",
    arguments: [{ syntax: "<shell>", help: "bash, zsh or fish." }],
    examples: [
      { line: "source <(aviary completion bash)", says: "In this shell." },
      { line: "aviary completion fish > ~/.config/fish/completions/aviary.fish", says: "In every new shell." },
    ],
    load: () => import("./commands/completion.ts"),
  },
  {
    name: "version",
    summary: "Prints the version",
    examples: [{ line: "aviary version", says: "Of this command, and of the Node that runs it." }],
    load: () => import("./commands/version.ts"),
  },
];

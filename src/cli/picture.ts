import { resolveStrategy, strategySchema } from "../api/strategy.ts";
import type { Step } from "../api/canary.ts";
import type { CanaryStatus, CheckEvidence, CheckStatus, Phase } from "../api/status.ts";
import { stepsOf } from "../decide/strategy.ts";
import { formatDuration, parseDuration } from "../lib/time.ts";
import { trueCondition } from "./canaryObject.ts";
import type { CanaryObject } from "./canaryObject.ts";
import type { Paint } from "./paint.ts";
import { shortImage } from "./table.ts";

/** Pods of one version. */
export interface PodCount {
  readonly ready: number;
  readonly all: number;
  /** What is wrong with those that are not ready. */
  readonly troubles: readonly string[];
}

/** Everything that one picture shows. */
export interface View {
  readonly canary: CanaryObject;
  readonly target: PodCount;
  readonly primary: PodCount;
  /** By the name of a check: the values that were seen while one looked, the newest last. */
  readonly seen: ReadonlyMap<string, readonly number[]>;
  readonly nowMs: number;
}

/** A Canary as a person wants to see it, line by line. Pure. */
export function picture(view: View, paint: Paint): string[] {
  const { canary } = view;
  const { metadata, spec, status = {} } = canary;
  const { phase = "Initializing", step } = status;
  const title = `${paint.strong(metadata.name)}  ${colourOf(phase, paint)(phase)}${step === undefined ? "" : ` ${step}`}`;
  const stalled = trueCondition(status, "Stalled");
  const trouble = stalled === undefined || stalled.reason === "RolledBack" ? [] : [[stalled.reason, stalled.message]];
  const rows: readonly (readonly string[])[] = [
    ["why", `${status.why?.message ?? "the controller has not looked at it yet"}${ruleOf(status, paint)}`],
    ...trouble.map(([reason = "", message = ""]) => ["stalled", paint.bad(`${reason}: ${message}`)]),
    ...waitingFor(status).map((text) => ["waits for", paint.busy(text)]),
    ["steps", bar(view, paint)],
    ...nextOf(view).map((text) => ["next", text]),
    ["weight", weightOf(view)],
    ["primary", versionLine(status.promoted, view.primary, paint)],
    [spec.targetRef.kind.toLowerCase(), versionLine(status.rollout ?? status.target, view.target, paint)],
    ...(status.checks ?? []).flatMap((check) => [
      ["check", checkLine(check, view, paint)],
      ...(check.evidence ?? []).map((test) => ["", evidenceLine(test)]),
    ]),
  ];
  return [
    `${title}  ${paint.faint(metadata.namespace ?? "")}`,
    ...rows.map(([name = "", text = ""]) => rowOf(name, text, paint)),
  ];
}

function rowOf(name: string, text: string, paint: Paint): string {
  return `  ${paint.faint(name.padEnd(12))}${text}`;
}

function colourOf(phase: Phase, paint: Paint): (text: string) => string {
  if (phase === "Failed" || phase === "RollingBack") return (text) => paint.bad(text);
  return phase === "Idle" || phase === "Succeeded" ? (text) => paint.good(text) : (text) => paint.busy(text);
}

function ruleOf({ why }: CanaryStatus, paint: Paint): string {
  return why === undefined ? "" : paint.faint(`  (${why.rule})`);
}

/** Who or what a paused rollout waits for. */
function waitingFor(status: CanaryStatus): readonly string[] {
  const waiting = trueCondition(status, "Reconciling");
  return status.phase === "Paused" && waiting !== undefined ? [waiting.reason] : [];
}

function stepsShown({ canary }: View): readonly Step[] {
  const parsed = strategySchema.optional().safeParse(canary.spec.strategy);
  const strategy = parsed.success ? resolveStrategy(parsed.data) : "";
  return typeof strategy === "string" ? [] : stepsOf(strategy);
}

function nameOf(step: Step): string {
  if ("pause" in step) return "pause";
  return step.matched === true ? "test" : `${step.weight}%`;
}

/** `5% ✓ ─ 20% ● ─ pause ─ 50% ─ promotion`. */
function bar(view: View, paint: Paint): string {
  const { rollout } = view.canary.status ?? {};
  const names = [...stepsShown(view).map(nameOf), "promotion"];
  const current = rollout === undefined ? -1 : rollout.promoting === true ? names.length - 1 : rollout.step;
  return names
    .map((name, index) => {
      if (rollout === undefined || index > current) return paint.faint(name);
      return index === current ? paint.busy(`${name} ●`) : paint.good(`${name} ✓`);
    })
    .join(" ─ ");
}

/** What comes after the step under way, and when; nothing where nobody can know. */
function nextOf(view: View): readonly string[] {
  const { rollout } = view.canary.status ?? {};
  if (rollout === undefined || rollout.promoting === true || rollout.withdrawal !== undefined) return [];
  const steps = stepsShown(view);
  const step = steps[rollout.step];
  const following = steps[rollout.step + 1];
  const what = following === undefined ? "promotion" : nameOf(following);
  if (step === undefined) return [];
  if ("pause" in step) return [`${what}, once approved`];
  if (rollout.effectiveSince === undefined) return [`${what}, ${step.hold} after ${nameOf(step)} is in effect`];
  const leftMs = Date.parse(rollout.effectiveSince) + parseDuration(step.hold) - view.nowMs;
  return [leftMs > 0 ? `${what} in ${formatDuration(leftMs)} at the earliest` : `${what}, when the checks pass`];
}

function weightOf({ canary, nowMs }: View): string {
  const { weight = 0, share, rollout } = canary.status ?? {};
  const planned = `${weight} % to the new version`;
  const made = share === undefined ? "" : `, ${share} % of the pods`;
  if (rollout === undefined || rollout.weightSince === undefined) return `${planned}${made}`;
  if (rollout.effectiveSince === undefined) return `${planned}${made}, not in effect yet`;
  const by = rollout.effectBy === "Evidence" ? "seen in effect" : "in effect";
  return `${planned}${made}, ${by} for ${formatDuration(Math.max(0, nowMs - Date.parse(rollout.effectiveSince)))}`;
}

interface Shown {
  readonly revision: string;
  readonly images?: readonly string[] | undefined;
  readonly release?: string | undefined;
}

function versionLine(version: Shown | undefined, pods: PodCount, paint: Paint): string {
  const { revision = "none", images = [], release } = version ?? {};
  const named = [revision, images.map(shortImage).join(","), release === undefined ? "" : `release ${release}`];
  const ready = `${pods.ready}/${pods.all} pods ready`;
  const troubles = pods.troubles.length === 0 ? "" : paint.bad(`  ${pods.troubles.join("; ")}`);
  return `${named.filter((part) => part !== "").join("  ")}  ${ready}${troubles}`;
}

function checkLine(check: CheckStatus, { seen }: View, paint: Paint): string {
  const { name, verdict, value, message } = check;
  const coloured = { Pass: paint.good, Fail: paint.bad, Undecided: paint.busy, NoData: paint.faint, Error: paint.bad };
  const shown = value === undefined ? "–" : String(Number(value.toPrecision(5)));
  return [name, shown, coloured[verdict](verdict), sparkline(seen.get(name) ?? []), message].filter(Boolean).join("  ");
}

/** One test of a slo or comparison: what was counted, what it is worth, and what could not have been seen. */
function evidenceLine({ signal, canary, primary, evidence, needed, detectable }: CheckEvidence): string {
  const counted = ({ bad, total }: { readonly bad: number; readonly total: number }): string =>
    `${bad} of ${total} bad`;
  const compared = primary === undefined ? "" : `, primary ${counted(primary)}`;
  const seen =
    detectable?.now === undefined
      ? ""
      : `; ${Number(detectable.now.toPrecision(3))} times ${signal === "Objective" ? "what it allows" : "as many"} would show`;
  const worth = `evidence ${Number(evidence.toPrecision(3))} of the ${Number(needed.toPrecision(3))} that roll back`;
  return `  ${signal}: canary ${counted(canary)}${compared}; ${worth}${seen}`;
}

const BARS = "▁▂▃▄▅▆▇█";

/** Values between the least and the greatest of them; empty for fewer than two. */
export function sparkline(values: readonly number[]): string {
  if (values.length < 2) return "";
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values
    .map((value) => BARS[range === 0 ? 0 : Math.round(((value - least) / range) * (BARS.length - 1))] ?? "")
    .join("");
}

import { formatDuration } from "../lib/time.ts";
import type { Verdict } from "../api/status.ts";
import type { CheckJudgement, Count, Detectable, Judgement } from "./types.ts";

/** Whole numbers in groups of three, so that six digits can be read. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** A share as percent with two digits that matter: `0.031 %`, `3.5 %`, `12 %`. */
export function formatShare({ total, bad }: Count): string {
  if (total === 0) return "0 %";
  const percent = (100 * bad) / total;
  return `${Number(percent.toPrecision(2))} %`;
}

/** An E-value for people; from a million on nobody wants the digits. */
export function formatEvidence(log: number): string {
  if (log > Math.log(1e6)) return "over a million";
  const value = Math.exp(log);
  return value >= 100 ? formatCount(value) : String(Number(value.toPrecision(2)));
}

/** `×5 would have shown by now, ×2 needs ~55m more`; against an objective, shares instead of ratios. */
export function formatDetectable({ now, next }: Detectable, allowed?: number): string {
  const worse = (ratio: number) =>
    allowed === undefined ? `×${ratio}` : `${formatShare({ total: 1, bad: ratio * allowed })} bad`;
  const none = allowed === undefined ? "no difference" : "no share";
  const shown = `${now === undefined ? none : worse(now)} would have shown by now`;
  if (next !== undefined)
    return `${shown}, ${worse(next.ratio)} needs ~${formatDuration(next.ms)} more at this traffic`;
  // Less than a multiple of the objective is no failure.
  if (allowed !== undefined && now !== undefined) return shown;
  return now === undefined || now > 2 ? `${shown}; less is out of reach` : shown;
}

const WORDS: Readonly<Record<Verdict, string>> = {
  Pass: "as good as the primary",
  Fail: "worse",
  Undecided: "undecided",
  NoData: "no data",
  Error: "error",
};

type Spoken = Pick<
  CheckJudgement,
  "verdict" | "canary" | "primary" | "ratio" | "logEvidence" | "detectable" | "edge" | "allowed"
>;

/** A check in one sentence: its verdict, both arms, the evidence, and what could have been seen. */
export function checkSentence(check: Spoken, logNeeded: number): string {
  if (check.verdict === "NoData") return noDataSentence(check);
  if (check.verdict === "Undecided" && uncounted(check) !== undefined) {
    return `undecided: no requests ${uncounted(check)} were counted yet; those of the start are forgiven`;
  }
  const bad = check.edge === undefined ? "bad" : `slower than ${check.edge} ms`;
  const arm = (name: string, count: Count) =>
    `${name} ${formatCount(count.bad)} of ${formatCount(count.total)} ${bad} (${formatShare(count)})`;
  const arms = [arm("canary", check.canary), ...(check.primary === undefined ? [] : [arm("primary", check.primary)])];
  const ratio = check.ratio === undefined ? "" : `, ×${Number(check.ratio.toPrecision(2))}`;
  const word = check.primary === undefined && check.verdict === "Pass" ? "within the objective" : WORDS[check.verdict];
  const parts = [
    `${word}: ${arms.join(", ")}${ratio}`,
    `evidence ${formatEvidence(check.logEvidence)} of ${formatEvidence(logNeeded)}`,
  ];
  if (check.verdict === "Undecided" && check.detectable !== undefined) {
    parts.push(formatDetectable(check.detectable, check.allowed));
  }
  return parts.join("; ");
}

/** Whose requests are missing, when a version has none that count. */
function uncounted({ canary, primary }: Spoken): string | undefined {
  if (canary.total === 0) return primary?.total === 0 ? "of either version" : "of the canary";
  return primary?.total === 0 ? "of the primary" : undefined;
}

function noDataSentence({ canary, primary }: Spoken): string {
  if (primary === undefined || primary.total > 0 || canary.total > 0) {
    return "no data: nothing was counted lately in both arms; the canary is neither better nor worse for it";
  }
  return "no data: nothing was ever counted in both arms; send traffic, or look whether the metrics exist";
}

/** The whole judgement in one sentence: the check that matters most, by name. */
export function judgementSentence(judgement: Omit<Judgement, "message">): string {
  const { verdict, checks, failed } = judgement;
  const gating = checks.filter(({ mode }) => mode === "Gate");
  const spoken =
    gating.find(({ name }) => name === failed?.check) ?? gating.find((check) => check.verdict === verdict) ?? gating[0];
  if (spoken === undefined) return "nothing is judged";
  if (failed?.cause === "Budget")
    return `${spoken.name}: the canary has burnt its share of the error budget; ${spoken.message}`;
  if (verdict === "Pass")
    return gating.length === 1 ? `${spoken.name}: ${spoken.message}` : `all ${gating.length} checks pass`;
  return `${spoken.name}: ${spoken.message}`;
}

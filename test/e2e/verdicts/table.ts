import { formatCount } from "../../../src/analysis/sentence.ts";
import type { FlaggerSeen } from "./flagger.ts";
import type { Told } from "./story.ts";

/** A Markdown table of what became of releases, and of what Flagger's rule would have made of the same requests. */
export function tableOf(all: readonly Told[]): string[] {
  const intervals = all[0]?.flagger.map(({ everySeconds }) => `Flagger's rule, every ${everySeconds} s`) ?? [];
  const head = ["Release", "Aviary", "After", "Canary requests", ...intervals];
  return [
    row(head),
    row(head.map(() => "---")),
    ...all.map(({ name, status, seconds, requests, flagger }) =>
      row([name, outcomeOf(status.phase), `${seconds} s`, formatCount(requests), ...flagger.map(cell)]),
    ),
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function outcomeOf(phase: string | undefined): string {
  if (phase === "Failed") return "rolled back";
  return phase === "Succeeded" ? "promoted" : (phase?.toLowerCase() ?? "");
}

function cell({ end, passed, failed, seconds = 0, requests = 0 }: FlaggerSeen): string {
  const looks = passed + failed;
  if (end === undefined) return looks === 0 ? "no check yet" : `${failed} of ${looks} checks failed by then`;
  if (end === "promoted") return `promotes after ${seconds} s`;
  return `rolls back after ${seconds} s, ${formatCount(requests)} requests`;
}

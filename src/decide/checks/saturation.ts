import type { SaturationCheck } from "../../api/canary.ts";
import type { CheckStatus, Verdict } from "../../api/status.ts";
import { clip } from "../../lib/text.ts";
import type { FoundSaturation, Percents, Resource, TakenSaturation } from "../taken.ts";

/**
 * A check of how full the canary's containers are, after one more look. A moment at the limit is nothing: it fails when it
 * is above a maximum at several looks in a row, and then stays failed until the rollout ends. Silence never fails it.
 */
export function judgeSaturation(check: SaturationCheck, before: CheckStatus, taken: TakenSaturation): CheckStatus {
  const { cause: _cause, ...kept } = before;
  const { found } = taken;
  const asked = { ...kept, queries: [...taken.queries], lastReading: new Date(taken.at).toISOString() };
  const unlessFailed = (verdict: Verdict, message: string): CheckStatus =>
    before.verdict === "Fail" ? { ...asked, message: before.message } : { ...asked, verdict, message: clip(message) };
  switch (found.kind) {
    case "unreachable":
      return { ...unlessFailed("Error", `no answer: ${found.message}`), cause: "Unreachable" };
    case "badQuery":
      return { ...unlessFailed("Error", `the query was refused: ${found.message}`), cause: "BadQuery" };
    case "percents": {
      const measured = resources.filter(({ name }) => found.percents[name].canary !== undefined);
      return measured.length === 0 ? unlessFailed("NoData", silence(found)) : judgeFound(check, asked, found);
    }
  }
}

interface ResourceWords {
  readonly name: Resource;
  readonly noun: string;
  readonly what: string;
  readonly max: (block: SaturationCheck["saturation"]) => number;
}

const resources: readonly ResourceWords[] = [
  { name: "memory", noun: "memory", what: "% of the memory limit", max: (block) => block.maxMemoryPercent },
  { name: "cpu", noun: "CPU", what: "% of the CPU limit", max: (block) => block.maxCPUPercent },
  {
    name: "throttled",
    noun: "throttling",
    what: "% of the CPU periods throttled",
    max: (block) => block.maxThrottledPercent,
  },
];

function judgeFound({ saturation: block }: SaturationCheck, asked: CheckStatus, found: FoundSaturation): CheckStatus {
  const counted = { ...asked, readings: asked.readings + 1 };
  const isFull = ({ name, max }: ResourceWords) => (found.percents[name].canary ?? 0) > max(block);
  const full = resources.filter(isFull);
  const sentence = (full.length === 0 ? resources : full).flatMap((resource) =>
    said(resource, found.percents[resource.name], full.length === 0 ? undefined : resource.max(block)),
  );
  const message = clip([...sentence, ...(full.length === 0 ? unlimited(found) : [])].join("; "));
  if (full.length === 0) {
    const inside = { ...counted, consecutiveFailures: 0 };
    return asked.verdict === "Fail" ? inside : { ...inside, verdict: "Pass", message };
  }
  const consecutiveFailures = asked.consecutiveFailures + 1;
  const failed = { ...counted, failures: asked.failures + 1, consecutiveFailures };
  if (asked.verdict === "Fail") return failed;
  const { consecutiveFailureLimit: limit } = block;
  const tally = `${consecutiveFailures} reading${consecutiveFailures === 1 ? "" : "s"} in a row, ${limit} tolerated`;
  const verdict = consecutiveFailures > limit ? "Fail" : "Undecided";
  return { ...failed, verdict, message: clip(`${message} (${tally})`) };
}

function said({ what }: ResourceWords, { canary, primary }: Percents, max: number | undefined): readonly string[] {
  if (canary === undefined) return [];
  const bound = max === undefined ? "" : `, above ${max}`;
  return [`${shown(canary)} ${what}${bound}${primary === undefined ? "" : `, primary ${shown(primary)}`}`];
}

/** What has no number since no container of the canary has a limit, as far as anybody tells. */
function unlimited({ percents }: FoundSaturation): readonly string[] {
  const nouns = resources.filter(({ name }) => percents[name].canary === undefined).map(({ noun }) => noun);
  if (nouns.length === 0) return [];
  return [`no number for ${nouns.join(", ")}: the containers have no such limit, or kube-state-metrics is not scraped`];
}

function silence(found: FoundSaturation): string {
  return found.known
    ? unlimited(found).join("; ")
    : "no metrics of the canary's containers: let Prometheus scrape cAdvisor (the kubelets) and kube-state-metrics";
}

/** Two digits say enough of a percentage. */
function shown(percent: number): string {
  return String(percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent));
}

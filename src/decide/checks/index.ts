import type { Check } from "../../api/canary.ts";
import { isJudged, isSilent } from "../../api/checks/index.ts";
import type { CheckStatus } from "../../api/status.ts";
import type { Taken, TakenPods } from "../taken.ts";
import type { JobView } from "../types.ts";
import { judgeJob } from "./job.ts";
import type { JudgedTile } from "./judged.ts";
import { judgePods } from "./pods.ts";
import { judgeSaturation } from "./saturation.ts";
import { judgeThreshold } from "./threshold.ts";

/** A check that was never asked. */
function unasked({ name, mode }: Check): CheckStatus {
  return {
    name,
    ...(mode === "Report" ? { mode } : {}),
    verdict: "Undecided",
    message: "not asked yet",
    readings: 0,
    failures: 0,
    consecutiveFailures: 0,
  };
}

export interface Judge {
  readonly checks: readonly Check[];
  readonly previous: readonly CheckStatus[];
  readonly readings: Readonly<Record<string, Taken>>;
  /** The newest tile, if there is one. */
  readonly judged?: JudgedTile | undefined;
  /** The newest look at the canary's pods, likewise. */
  readonly pods?: TakenPods | undefined;
  readonly jobs?: JobLook | undefined;
}

/** The Jobs of the current step, which is in effect since a moment, in milliseconds since the Unix epoch. */
interface JobLook {
  readonly views: Readonly<Record<string, JobView>>;
  readonly now: number;
  readonly since: number;
}

/**
 * The state of every check after the readings of this look; without a reading a check stays as it was.
 * A check that failed stays failed until the rollout ends.
 */
export function judge({ checks, previous, readings, judged, pods, jobs }: Judge): CheckStatus[] {
  const spoken = checks.map((check): CheckStatus => {
    const { mode: _mode, ...known } = previous.find((status) => status.name === check.name) ?? unasked(check);
    const before: CheckStatus = check.mode === "Report" ? { ...known, mode: "Report" } : known;
    if (isJudged(check)) return judged === undefined ? before : judged.status(check, before);
    if ("pods" in check) return pods === undefined ? before : judgePods(check, before, pods);
    if ("job" in check) return jobs === undefined ? before : judgeJob(before, jobs.views[check.name], jobs);
    const taken = readings[check.name];
    if (taken === undefined) return before;
    if ("saturation" in check) return "found" in taken ? judgeSaturation(check, before, taken) : before;
    return "reading" in taken ? judgeThreshold(check, before, taken) : before;
  });
  return spoken.filter((status, index) => {
    const check = checks[index];
    return check === undefined || !isSilent(check, status.readings);
  });
}

function isGate({ mode }: CheckStatus): boolean {
  return mode !== "Report";
}

/** The first check that failed, of those that may roll back. */
export function failedCheck(checks: readonly CheckStatus[]): CheckStatus | undefined {
  return checks.find((check) => isGate(check) && check.verdict === "Fail");
}

/** The first check whose query is wrong, of those that matter to the rollout. */
export function refusedCheck(checks: readonly CheckStatus[]): CheckStatus | undefined {
  return checks.find((check) => isGate(check) && check.verdict === "Error" && check.cause === "BadQuery");
}

interface Standing {
  readonly checks: readonly Check[];
  readonly statuses: readonly CheckStatus[];
  /** Only readings from then on count, in milliseconds since the Unix epoch. */
  readonly since: number;
  /** The judge has to have counted until then, likewise. */
  readonly countedUntil: number;
  /** Nothing speaks against the next step, by what the judge has seen. */
  readonly mayAdvance: boolean;
  readonly lastStep: boolean;
}

/**
 * Checks that hold a step. A threshold has to say yes by a reading of this step. The judge has to have seen the canary in
 * it and to have no suspicion; that it is as good as the primary it has to say on the last step alone, since before that
 * the weight limits the damage. A check without data that is to be ignored is left out while another one says yes:
 * silence alone never promotes, and that pods run says nothing of what nobody measured.
 */
export function notPassing({ checks, statuses, ...standing }: Standing): readonly CheckStatus[] {
  const checkOf = (name: string) => checks.find((check) => check.name === name);
  const passes = (status: CheckStatus): boolean => {
    const { name, verdict, lastReading } = status;
    const read = Date.parse(lastReading ?? "");
    if (!(read >= standing.since)) return false;
    const check = checkOf(name);
    if (check === undefined || !isJudged(check)) return verdict === "Pass";
    const seen = standing.mayAdvance && read >= standing.countedUntil;
    return seen && (verdict === "Pass" || (verdict === "Undecided" && !standing.lastStep));
  };
  const gates = statuses.filter(isGate);
  const open = gates.filter((status) => !passes(status));
  const measuring = gates.filter(({ name }) => !("pods" in (checkOf(name) ?? {})));
  if ((measuring.length === 0 ? gates : measuring).every((status) => open.includes(status))) return open;
  return open.filter(({ name, verdict }) => verdict !== "NoData" || checkOf(name)?.onNoData !== "Ignore");
}

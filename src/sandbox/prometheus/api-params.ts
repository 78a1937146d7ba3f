import { parseDurationMs } from "../../metrics/promqlDuration.ts";
import { parseQuery } from "./eval/parse.ts";
import type { Matcher } from "./matchers.ts";
import { parseFloatText } from "./numbers.ts";

/** A request parameter that is missing or malformed; the message is Prometheus's. */
export class BadParameter extends Error {
  override readonly name = "BadParameter";
}

const MAX_POINTS = 11_000;

export interface RangeParams {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Unix seconds or RFC 3339, as ms. */
export function timeParam(params: URLSearchParams, name: string, fallbackMs?: number): number {
  const text = params.get(name);
  if (text === null || text === "") {
    if (fallbackMs !== undefined) return fallbackMs;
    throw new BadParameter(`invalid parameter "${name}": cannot parse "" to a valid timestamp`);
  }
  const seconds = parseFloatText(text);
  const ms = seconds === undefined ? Date.parse(text) : Math.round(seconds * 1000);
  if (Number.isFinite(ms)) return ms;
  throw new BadParameter(`invalid parameter "${name}": cannot parse "${text}" to a valid timestamp`);
}

export function rangeParams(params: URLSearchParams): RangeParams {
  const startMs = timeParam(params, "start");
  const endMs = timeParam(params, "end");
  if (endMs < startMs) throw new BadParameter('invalid parameter "end": end timestamp must not be before start time');
  const stepMs = stepParam(params.get("step") ?? "");
  if (stepMs <= 0) {
    throw new BadParameter(
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  if ((endMs - startMs) / stepMs > MAX_POINTS) {
    throw new BadParameter(
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  }
  return { query: params.get("query") ?? "", startMs, endMs, stepMs };
}

/** Each `match[]` selector's conditions. */
export function matchParams(params: URLSearchParams): (readonly Matcher[])[] {
  return params.getAll("match[]").map((selector) => {
    const expr = parseQuery(selector);
    if (expr.kind === "selector") return expr.matchers;
    throw new BadParameter(`invalid parameter "match[]": "${selector}" is not a series selector`);
  });
}

function stepParam(text: string): number {
  const seconds = parseFloatText(text);
  const ms = seconds === undefined ? parseDurationMs(text) : Math.round(seconds * 1000);
  if (ms !== undefined && Number.isFinite(ms)) return ms;
  throw new BadParameter(`invalid parameter "step": cannot parse "${text}" to a valid duration`);
}

import { z } from "zod";
import { numberReading } from "./http/numbers.ts";
import {
  badQuery,
  isTrouble,
  noAnswer,
  notTheApi,
  partial,
  refusal,
  several,
  tooLarge,
  unreachable,
} from "./http/sentences.ts";
import type { NativeHistogram, Reading, Refusal, Series, SeriesAnswer } from "./provider.ts";

/** What came back for one question. */
export interface Answer {
  readonly endpoint: string;
  /** As the block says it. */
  readonly timeout: string;
  readonly timedOut: () => boolean;
  /** Why nobody was asked. */
  unasked?: string;
  /** HTTP status; absent when there was no answer. */
  status?: number | undefined;
  /** The decoded body, or its text when it is not JSON. */
  body?: unknown;
  headers?: Readonly<Record<string, string | undefined>> | undefined;
}

const sampleValue = z.tuple([z.number(), z.string()]);
const success = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("vector"), result: z.array(z.unknown()) }),
    z.object({ resultType: z.literal("scalar"), result: sampleValue }),
    z.object({ resultType: z.literal("string") }),
    z.object({ resultType: z.literal("matrix"), result: z.array(z.unknown()) }),
  ]),
});
const failure = z.object({ status: z.literal("error"), errorType: z.string().optional(), error: z.string() });
/** What stands before the API of a managed service says so in its own form: Amazon's gateway, Google's front end. */
const foreignFailure = z.union([
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ Message: z.string() }).transform(({ Message: message }) => message),
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
]);
/** VictoriaMetrics says that a node is missing in `isPartial`, Thanos and remote reads in `warnings`. */
const incomplete = z.object({ isPartial: z.boolean().optional(), warnings: z.array(z.string()).optional() });
const sample = z.object({ value: sampleValue });
const histogram = z.object({ histogram: z.unknown() });

/** Why an answer is not whole; undefined when it is. Warnings about the query itself are Prometheus' own, and marked. */
function missingPart({ body, endpoint }: Answer): Refusal | undefined {
  const { isPartial = false, warnings = [] } = incomplete.safeParse(body).data ?? {};
  const foreign = warnings.filter((warning) => !warning.startsWith("PromQL "));
  return isPartial || foreign.length > 0 ? partial(endpoint, foreign.join("; ")) : undefined;
}

/** Reads an answer with a status of success. */
export function readAnswer(answer: Answer): Reading {
  const parsed = success.safeParse(answer.body);
  if (!parsed.success) return notPrometheus(answer);
  const missing = missingPart(answer);
  if (missing !== undefined) return missing;
  const { data } = parsed.data;
  switch (data.resultType) {
    case "scalar":
      return numberReading(data.result[1]) ?? notPrometheus(answer);
    case "vector":
      return readVector(answer, data.result);
    case "string":
      return badQuery("the query gives a text, not a number");
    case "matrix":
      return badQuery(
        "the query gives a range of values, not one: put a function such as rate() around the range selector",
      );
  }
}

const bucket = z.tuple([z.number(), z.string(), z.string(), z.string()]);
const nativeHistogram = z.tuple([z.number(), z.object({ count: z.string(), buckets: z.array(bucket).optional() })]);
const series = z.object({
  metric: z.record(z.string(), z.string()),
  value: sampleValue.optional(),
  values: z.array(sampleValue).optional(),
  histogram: nativeHistogram.optional(),
});

/** Reads all series of an answer with a status of success. Values that are no numbers are left out. */
export function readSeries(answer: Answer): SeriesAnswer {
  const parsed = success.safeParse(answer.body);
  if (!parsed.success) return notTheApi(answer.endpoint, "Prometheus");
  const missing = missingPart(answer);
  if (missing !== undefined) return missing;
  const { data } = parsed.data;
  if (data.resultType !== "vector" && data.resultType !== "matrix")
    return badQuery("the query gives no series but one value");
  const rows = z.array(series).safeParse(data.result);
  if (!rows.success) return notTheApi(answer.endpoint, "Prometheus");
  return {
    kind: "series",
    series: rows.data.map(({ metric, value, values, histogram: native }): Series => ({
      labels: metric,
      ...(native === undefined ? {} : { histogram: readHistogram(native[1]) }),
      points: (values ?? (value === undefined ? [] : [value])).flatMap(([seconds, text]) => {
        const number = Number(text);
        return Number.isFinite(number) ? [[Math.round(seconds * 1_000), number] as const] : [];
      }),
    })),
  };
}

/**
 * Source: Prometheus, HTTP API, "Native histograms": each bucket is a rule for its ends, both ends and its count. Whether
 * an end belongs to it matters to nobody who measures time.
 */
function readHistogram({ count, buckets = [] }: z.output<typeof nativeHistogram>[1]): NativeHistogram {
  return {
    count: Number(count),
    buckets: buckets.map(([_rule, lower, upper, observed]) => {
      return { lower: bound(lower), upper: bound(upper), count: Number(observed) };
    }),
  };
}

/** As Go writes floats. */
function bound(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}

/** Reads what went wrong with a question for series. */
export function readSeriesFailure(answer: Answer, error: unknown): SeriesAnswer {
  if (answer.status !== undefined && answer.status < 300) return readSeries(answer);
  const failed = readFailure(answer, error);
  return failed.kind === "unreachable" || failed.kind === "badQuery"
    ? failed
    : notTheApi(answer.endpoint, "Prometheus");
}

/** Reads what went wrong: `error` is what the client library threw, `answer` what was seen of the answer. */
export function readFailure(answer: Answer, error: unknown): Reading {
  const { endpoint, status, unasked } = answer;
  if (status !== undefined) return status < 300 ? readAnswer(answer) : readStatus(answer, status);
  if (answer.timedOut()) return noAnswer(endpoint, answer.timeout);
  if (unasked !== undefined) return unreachable(endpoint, `was not asked: ${unasked}`);
  const { error: message, code } = error as { readonly error?: unknown; readonly code?: unknown };
  if (typeof message === "string" && message.startsWith("maxContentLength")) return tooLarge();
  const detail = typeof message === "string" && message !== "" ? message : String(code ?? "no answer");
  return unreachable(endpoint, `cannot be reached: ${detail}`);
}

function readStatus({ body, endpoint }: Answer, status: number): Reading {
  const parsed = failure.safeParse(body);
  const detail = parsed.success ? parsed.data.error : (foreignFailure.safeParse(body).data ?? "");
  const blamesQuery =
    (status === 400 || status === 422) && parsed.success && parsed.data.errorType !== "timeout" && !isTrouble(detail);
  return blamesQuery ? badQuery(`the query was refused: ${detail}`) : refusal(endpoint, status, detail);
}

function readVector(answer: Answer, result: readonly unknown[]): Reading {
  const [first, ...others] = result;
  if (first === undefined) return { kind: "empty" };
  if (others.length > 0) return several(result.length, "series", "aggregate it, for instance by sum()");
  const parsed = sample.safeParse(first);
  if (parsed.success) return numberReading(parsed.data.value[1]) ?? notPrometheus(answer);
  if (!histogram.safeParse(first).success) return notPrometheus(answer);
  return badQuery("the query gives a histogram, not a number: put histogram_quantile() or histogram_avg() around it");
}

function notPrometheus({ endpoint }: Answer): Reading {
  return notTheApi(endpoint, "Prometheus");
}

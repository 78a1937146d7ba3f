import { z } from "zod";
import type { Reading } from "./provider.ts";

/** What came back for one question. */
export interface Answer {
  readonly endpoint: string;
  readonly timeoutMs: number;
  readonly timedOut: () => boolean;
  /** HTTP status; absent when there was no answer. */
  status?: number | undefined;
  /** The decoded body, or its text when it is not JSON. */
  body?: unknown;
}

const sampleValue = z.tuple([z.number(), z.string()]);
const success = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("vector"), result: z.array(z.unknown()) }),
    z.object({ resultType: z.literal("scalar"), result: sampleValue }),
    z.object({ resultType: z.literal("string") }),
    z.object({ resultType: z.literal("matrix") }),
  ]),
});
const failure = z.object({ status: z.literal("error"), errorType: z.string().optional(), error: z.string() });
const sample = z.object({ value: sampleValue });
const histogram = z.object({ histogram: z.unknown() });

/** Reads an answer with a status of success. */
export function readAnswer(answer: Answer): Reading {
  const parsed = success.safeParse(answer.body);
  if (!parsed.success) return notPrometheus(answer);
  const { data } = parsed.data;
  switch (data.resultType) {
    case "scalar":
      return readNumber(answer, data.result[1]);
    case "vector":
      return readVector(answer, data.result);
    case "string":
      return { kind: "badQuery", message: "the query gives a text, not a number" };
    case "matrix":
      return {
        kind: "badQuery",
        message: "the query gives a range of values, not one: put a function such as rate() around the range selector",
      };
  }
}

/** Reads what went wrong: `error` is what the client library threw, `answer` what was seen of the answer. */
export function readFailure(answer: Answer, error: unknown): Reading {
  if (answer.status !== undefined) return answer.status < 300 ? readAnswer(answer) : readStatus(answer, answer.status);
  if (answer.timedOut()) return unreachable(answer, `gave no answer within ${answer.timeoutMs / 1_000} s`);
  const { error: message, code } = error as { readonly error?: unknown; readonly code?: unknown };
  if (typeof message === "string" && message.startsWith("maxContentLength")) {
    return {
      kind: "badQuery",
      message: "the answer is too large to be one number: aggregate the query, for instance by sum()",
    };
  }
  const detail = typeof message === "string" && message !== "" ? message : String(code ?? "no answer");
  return unreachable(answer, `cannot be reached: ${detail}`);
}

function readStatus(answer: Answer, status: number): Reading {
  const parsed = failure.safeParse(answer.body);
  const detail = parsed.success ? `: ${parsed.data.error}` : "";
  if (status === 401 || status === 403) {
    return unreachable(
      answer,
      `refuses the credentials (HTTP ${status}); check the Secret and what it allows${detail}`,
    );
  }
  if (status < 400)
    return unreachable(answer, `answers with a redirect (HTTP ${status}), which is not followed; check the url`);
  if (status === 404) return unreachable(answer, `has no API at this path (HTTP 404); check the url`);
  const isAboutQuery = (status === 400 || status === 422) && parsed.success && parsed.data.errorType !== "timeout";
  if (isAboutQuery) return { kind: "badQuery", message: `the query was refused${detail}` };
  return unreachable(answer, `answers with HTTP ${status}${detail}`);
}

function readVector(answer: Answer, result: readonly unknown[]): Reading {
  const [first, ...others] = result;
  if (first === undefined) return { kind: "empty" };
  if (others.length > 0) {
    return {
      kind: "badQuery",
      message: `the query gives ${result.length} series instead of one: aggregate it, for instance by sum()`,
    };
  }
  const parsed = sample.safeParse(first);
  if (parsed.success) return readNumber(answer, parsed.data.value[1]);
  if (!histogram.safeParse(first).success) return notPrometheus(answer);
  return {
    kind: "badQuery",
    message: "the query gives a histogram, not a number: put histogram_quantile() or histogram_avg() around it",
  };
}

/**
 * Prometheus writes numbers as text. Infinity becomes the largest finite number: it compares as users expect, and
 * status can hold it.
 */
function readNumber(answer: Answer, text: string): Reading {
  if (text === "NaN") return { kind: "empty" };
  if (/^[+-]?Inf$/.test(text)) {
    return { kind: "value", value: text.startsWith("-") ? -Number.MAX_VALUE : Number.MAX_VALUE };
  }
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? { kind: "value", value } : notPrometheus(answer);
}

function notPrometheus(answer: Answer): Reading {
  return unreachable(answer, "answers, but not as Prometheus does; check the url");
}

function unreachable({ endpoint }: Answer, message: string): Reading {
  return { kind: "unreachable", message: `${endpoint} ${message}` };
}

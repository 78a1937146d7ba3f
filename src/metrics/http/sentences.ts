import { parseDuration } from "../../lib/time.ts";
import type { Refusal } from "../provider.ts";

/** An answer to a good question is some hundred bytes; more than this is not worth the memory. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export function unreachable(endpoint: string, message: string): Refusal {
  return { kind: "unreachable", message: `${endpoint} ${message}` };
}

export function noAnswer(endpoint: string, timeout: string): Refusal {
  return unreachable(endpoint, `gave no answer within ${parseDuration(timeout) / 1_000} s`);
}

export function badQuery(message: string): Refusal {
  return { kind: "badQuery", message };
}

export function tooLarge(): Refusal {
  return badQuery("the answer is too large to be one number: aggregate the query, for instance by a sum");
}

/** The back-end says that it has not looked everywhere: such a number is not the one that was asked for. */
export function partial(endpoint: string, detail = ""): Refusal {
  return unreachable(endpoint, `answers with a part of the data only${detail === "" ? "" : `: ${detail}`}`);
}

/**
 * What a server says when it could not, not when the question is wrong. Some say so in an answer with a status of
 * success, or with the status of a wrong question. What it quotes may be the question itself.
 */
const TROUBLE =
  /\b(timed out|timeout (exceeded|limit|reached)|deadline exceeded|rate limit|rpc error|concurrent|too many (requests|queries|searches)|service unavailable|overloaded|connection refused|(query|search) (was )?(interrupted|killed|cancell?ed|terminated))\b/i;

/** Whether a refusal is about the server and not about the question. */
export function isTrouble(detail: string): boolean {
  return TROUBLE.test(detail.replace(/"[^"]*"/g, ""));
}

/** A refusal in an answer with a status of success. */
export function refusedQuery(endpoint: string, detail: string): Refusal {
  return isTrouble(detail)
    ? unreachable(endpoint, `answers with an error: ${detail}`)
    : badQuery(`the query was refused: ${detail}`);
}

/** The query was good, and gave more than one number. */
export function several(count: number, what: string, hint: string): Refusal {
  return badQuery(`the query gives ${count} ${what} instead of one: ${hint}`);
}

/** A 2xx answer that is not one of the API that was expected. */
export function notTheApi(endpoint: string, product: string): Refusal {
  return unreachable(endpoint, `answers, but not as ${product} does; check the url`);
}

/** What an answer says whose status is not a success, when the query is not to blame. `detail` is the server's own. */
export function refusal(endpoint: string, status: number, detail = ""): Refusal {
  const says = detail === "" ? "" : `: ${detail}`;
  if (status === 401 || status === 403) {
    return unreachable(
      endpoint,
      `refuses the credentials (HTTP ${status}); check the Secret and what it allows${says}`,
    );
  }
  if (status < 400) {
    return unreachable(endpoint, `answers with a redirect (HTTP ${status}), which is not followed; check the url`);
  }
  if (status === 404) return unreachable(endpoint, `has no API at this path (HTTP 404); check the url${says}`);
  return unreachable(endpoint, `answers with HTTP ${status}${says}`);
}

/** How long a series may be silent before it counts as a new one, which begins at 0. */
const REMEMBERED = "1h";

/** What a query of differences asks. */
export interface DifferenceQuery {
  /** A counter with its labels: `requests_total{service="web"}`. */
  readonly counter: string;
  /** A counter of the same targets that is there whenever they are; new series of `counter` count only beside it. */
  readonly beside: string;
  /** Labels by which differences are summed. */
  readonly by: readonly string[];
  /** Length of the interval, in seconds. */
  readonly seconds: number;
}

/**
 * By how much counters have grown in the interval that ends when the query is evaluated: whole numbers, and no
 * extrapolation as `increase` has it, so that intervals tile time.
 *
 *   before ≤ now   now − before, where before is the last value seen, also of a series that a failed scrape has ended
 *   now < before   now: the counter began anew
 *   no before      now: a series is born with its first event; unless nothing at all was known before
 */
export function differenceQuery(query: DifferenceQuery): string {
  const { counter, beside, seconds } = query;
  const before = (of: string) => `last_over_time(${of}[${REMEMBERED}] offset ${seconds}s)`;
  const grown = `(${counter} - ${before(counter)} >= 0)`;
  const born = `(${counter} and on () group(${before(beside)}))`;
  return `${sumBy(query)} (${grown} or ${born})`;
}

/** Queries of what a native histogram has counted at the end of an interval and at its start; the latter is taken off. */
export interface NativeQueries {
  readonly end: string;
  readonly start: string;
}

/**
 * The same of native histograms, which older Prometheus can neither subtract nor carry through `last_over_time`: what was
 * counted until the end of the interval, and what of it was counted before. Both are sums on the server.
 *
 *   before ≤ now   now at the end, before at the start
 *   now < before   now at the end: the counter began anew
 *   no before      now at the end, where none was seen for long; one that only missed a scrape waits for the next interval
 *
 * Source: Prometheus, "Native histograms", and what 2.42 answers; `last_over_time` serves for presence alone.
 */
export function nativeQueries(query: DifferenceQuery): NativeQueries {
  const { now, then, grown, born } = nativeParts(query);
  const sum = sumBy(query);
  return { end: `${sum} ((${now} and ${then}) or (${born(now)}))`, start: `${sum} (${then} and ${grown})` };
}

/** By how many observations native histograms have grown; as `differenceQuery`. */
export function nativeCountQuery(query: DifferenceQuery): string {
  const { now, then, grown, born } = nativeParts(query);
  const count = `histogram_count(${now})`;
  return `${sumBy(query)} (${grown} or (${count} and ${then}) or (${born(count)}))`;
}

function nativeParts({ counter, beside, seconds }: DifferenceQuery) {
  const then = `${counter} offset ${seconds}s`;
  const seen = (of: string) => `last_over_time(${of}[${REMEMBERED}] offset ${seconds}s)`;
  return {
    now: counter,
    then,
    grown: `(histogram_count(${counter}) - histogram_count(${then}) >= 0)`,
    born: (of: string) => `${of} unless ${seen(counter)} and on () group(${seen(beside)})`,
  };
}

function sumBy({ by }: DifferenceQuery): string {
  return `sum${by.length === 0 ? "" : ` by (${by.join(", ")})`}`;
}

/** A selector from a metric's name and matchers, some of which may be empty. */
export function selector(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${matchers.filter((matcher) => matcher !== "").join(",")}}`;
}

/** A matcher for a label with any of these patterns. */
export function anyOf(label: string, patterns: readonly string[]): string {
  const [only] = patterns;
  if (patterns.length === 1 && only !== undefined) return `${label}=~${JSON.stringify(only)}`;
  return `${label}=~${JSON.stringify(patterns.join("|"))}`;
}

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
export function differenceQuery({ counter, beside, by, seconds }: DifferenceQuery): string {
  const before = (of: string) => `last_over_time(${of}[${REMEMBERED}] offset ${seconds}s)`;
  const grown = `(${counter} - ${before(counter)} >= 0)`;
  const born = `(${counter} and on () group(${before(beside)}))`;
  return `sum${by.length === 0 ? "" : ` by (${by.join(", ")})`} (${grown} or ${born})`;
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

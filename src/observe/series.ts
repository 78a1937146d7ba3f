import type { Canary } from "../api/canary.ts";
import type { Question } from "../api/query.ts";
import type { Clock } from "../lib/time.ts";
import type { SeriesAnswer } from "../metrics/provider.ts";

/** Asks a metrics back-end for series as of a moment; finds it by the question's `providerRef`. Never rejects but by abort. */
export type AskSeries = (
  asked: {
    readonly canary: Canary;
    readonly question: Question;
    /** As it is asked, with all names filled in. */
    readonly query: string;
    readonly atMs: number;
  },
  signal: AbortSignal,
) => Promise<SeriesAnswer>;

/** A query that can stand for many canaries: it differs between them by the patterns of one label alone. */
export interface SharedQuestion {
  readonly canary: Canary;
  readonly question: Question;
  /** The same for all that may be asked together. */
  readonly like: string;
  readonly patterns: readonly string[];
  readonly query: (patterns: readonly string[]) => string;
  readonly atMs: number;
}

/** Asks for many at a time. The answer holds the series of all of them. */
export type AskShared = (shared: SharedQuestion, signal: AbortSignal) => Promise<SeriesAnswer>;

/** Questions that come within so many milliseconds are asked as one. */
const WINDOW_MS = 50;
/** Patterns in one query: beyond, regular expressions cost more than another query. */
const MOST_PATTERNS = 100;

interface Batch {
  readonly patterns: Set<string>;
  readonly answer: Promise<SeriesAnswer>;
}

/**
 * One query for many canaries on the same data plane: those whose intervals end at the same moment, as the grid of
 * `decide/tile.ts` sees to it. A thousand canaries under way cost a data plane a few queries an interval.
 */
export function createSharedAsking(clock: Clock, ask: AskSeries): AskShared {
  const open = new Map<string, Batch>();
  return (shared, signal) => {
    const key = `${providerOf(shared)} ${shared.atMs} ${shared.like}`;
    const known = open.get(key);
    if (known !== undefined && known.patterns.size + shared.patterns.length <= MOST_PATTERNS) {
      for (const pattern of shared.patterns) known.patterns.add(pattern);
      return known.answer;
    }
    const patterns = new Set(shared.patterns);
    const answer = new Promise<void>((resolve) => {
      clock.after(WINDOW_MS, resolve);
    }).then(() => {
      if (open.get(key)?.patterns === patterns) open.delete(key);
      const { canary, question, query, atMs } = shared;
      return ask({ canary, question, query: query([...patterns]), atMs }, signal);
    });
    open.set(key, { patterns, answer });
    return answer;
  };
}

/** A MetricProvider belongs to its namespace; the others are everybody's. */
function providerOf({ canary, question: { providerRef: ref } }: SharedQuestion): string {
  if (ref === undefined) return "";
  const namespace = ref.kind === "MetricProvider" ? (canary.metadata.namespace ?? "default") : "";
  return `${ref.kind}/${namespace}/${ref.name}`;
}

/** Time as the controller sees it; virtual in tests and in simulation. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Node fires a timer at once when its delay does not fit into 31 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What a duration looks like in YAML: `30s`, `5m`, `1h30m`, `500ms`. Days are not a unit of Kubernetes durations. */
export const DURATION_PATTERN = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;

/**
 * Milliseconds of a duration such as `1h30m`.
 * @throws RangeError when the text is not a duration; schemas refuse such texts before they get here.
 */
export function parseDuration(text: string): number {
  if (!DURATION_PATTERN.test(text))
    throw new RangeError(`${JSON.stringify(text)} is not a duration such as 30s, 5m or 1h30m`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * UNITS[unit as keyof typeof UNITS];
  }
  return Math.round(total);
}

/** The shortest usual form of a duration for people: `90_000` → `1m30s`, `400` → `400ms`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)}ms`;
  let rest = Math.round(milliseconds / 1_000);
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const amount = Math.floor(rest / seconds);
    if (amount > 0) parts.push(`${amount}${unit}`);
    rest -= amount * seconds;
  }
  return parts.slice(0, 2).join("");
}

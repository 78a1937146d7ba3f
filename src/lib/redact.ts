const MASK = "[redacted]";

/** How deep a logged value is followed; deeper parts are left out rather than logged unseen. */
const MAX_DEPTH = 6;

/** Names whose value is a credential, whatever stands before the last word: `bearerToken`, `x-api-key`, `set-cookie`. */
const CREDENTIAL_NAME =
  /(^|[-_.]|[a-z])(authorization|passw(or)?d|passphrase|token|cookie|credentials?|api[-_]?key|private[-_]?key|client[-_]?(key|secret)|key[-_]?data)$/i;

/** Credentials that stand in the middle of a text: `https://user:password@host` and `Bearer abc`. */
const URL_USER = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;
const SCHEME_AND_SECRET = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi;

/** The same text without the credentials that stand in URLs and in authorization headers. */
export function redactText(text: string): string {
  return text.replace(URL_USER, `$1${MASK}@`).replace(SCHEME_AND_SECRET, `$1 ${MASK}`);
}

/**
 * A copy of `value` that is safe to log: credentials are masked by the name of their field and inside texts, errors
 * become plain objects with their causes, cycles and depths beyond 6 are cut. Never throws.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth >= MAX_DEPTH) return "[too deep]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Map) return redactFields(Object.fromEntries(value) as Fields, depth);
  if (value instanceof Set) return redact([...(value as ReadonlySet<unknown>)], depth);
  if (value instanceof Error) return redactError(value, depth);
  return redactFields(value as Fields, depth);
}

type Fields = Readonly<Record<string, unknown>>;

function redactFields(fields: Fields, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    safe[name] = isCredential(name, value) ? MASK : redact(value, depth + 1);
  }
  return safe;
}

function isCredential(name: string, value: unknown): boolean {
  // Numbers and booleans under such a name are counts and switches (`maxToken: 3`), not secrets.
  return (typeof value === "string" || typeof value === "object") && value !== null && CREDENTIAL_NAME.test(name);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message: redactText(message),
    ...redactFields(error as unknown as Fields, depth),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
    ...(cause === undefined ? {} : { cause: redact(cause, depth + 1) }),
  };
}

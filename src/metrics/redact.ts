import type { Credentials } from "./provider.ts";

/** Messages go into status; servers may say a whole page. */
const MAX_MESSAGE = 512;

/**
 * Takes credentials out of messages, since what servers say about a request may repeat it, and makes them one short
 * line; in this order, so that no half of a secret is left at the end. `derived` gives texts made of credentials by now.
 */
export function redactor(credentials: Credentials, derived: () => readonly string[]): (message: string) => string {
  const { ca: _ca, cert: _cert, headers = {}, ...rest } = credentials;
  const known = [...Object.values<string | undefined>(rest), ...Object.values(headers)];
  return (message) => {
    const secrets = [...known, ...derived()].flatMap((text) => variants(text?.trim() ?? ""));
    const longestFirst = [...new Set(secrets)].sort((a, b) => b.length - a.length);
    return oneLine(longestFirst.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), message));
  };
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE - 1)}…`;
}

/** A secret as it stands, without the scheme of a header, and in the encodings that servers repeat it in. */
function variants(secret: string): readonly string[] {
  const bare = secret.replace(/^(Basic|Bearer|Token|Api-Token|ApiKey|Splunk) /, "");
  return [secret, bare, encodeURIComponent(bare), JSON.stringify(bare).slice(1, -1)].filter((text) => text !== "");
}

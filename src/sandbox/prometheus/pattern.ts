/** A pattern that is not RE2, or uses a part of RE2 that has no counterpart here. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^\(\?<?[=!]/, "lookaround"],
  [/^\\[1-9]/, "a back-reference"],
  [/^\\[pP]/, "a Unicode class"],
  [/^\\[QE]/, "\\Q…\\E"],
  [/^\\C/, "\\C"],
  [/^\(\?(?:[a-zA-Z-]+\)|[a-zA-Z-]*[mU][a-zA-Z-]*:)/, "this flag inside a pattern"],
];

/**
 * Compiles a PromQL pattern: RE2 syntax, anchored at both ends, `.` matches newlines (as in Prometheus 3).
 * Throws `PatternError` for what RE2 refuses as well (lookaround, back-references) and for what is not translated.
 */
export function compilePattern(pattern: string): RegExp {
  const flags = /^\(\?([is]+)\)/.exec(pattern);
  const body = translate(pattern.slice(flags?.[0].length ?? 0));
  try {
    return new RegExp(`^(?:${body})$`, flags?.[1]?.includes("i") === true ? "si" : "s");
  } catch (cause) {
    throw new PatternError(`error parsing regexp ${JSON.stringify(pattern)}`, { cause });
  }
}

function translate(pattern: string): string {
  let out = "";
  let inClass = false;
  for (let rest = pattern; rest !== "";) {
    const [taken, written] = inClass ? translateInClass(rest) : translateOutside(rest);
    if (!inClass && taken.startsWith("[")) inClass = true;
    else if (inClass && taken === "]") inClass = false;
    out += written;
    rest = rest.slice(taken.length);
  }
  return out;
}

function translateOutside(rest: string): readonly [taken: string, written: string] {
  const refused = REFUSED.find(([shape]) => shape.test(rest));
  if (refused !== undefined) {
    throw new PatternError(`${refused[1]} is not supported in a regular expression, at ${JSON.stringify(rest)}`);
  }
  if (rest.startsWith("(?P<")) return ["(?P<", "(?<"];
  if (rest.startsWith("\\z")) return ["\\z", "$"];
  if (rest.startsWith("\\A")) return ["\\A", "^"];
  if (rest.startsWith("[^]")) return ["[^]", "[^\\]"];
  if (rest.startsWith("[]")) return ["[]", "[\\]"];
  return rest.startsWith("\\") ? [rest.slice(0, 2), rest.slice(0, 2)] : [rest.slice(0, 1), rest.slice(0, 1)];
}

function translateInClass(rest: string): readonly [taken: string, written: string] {
  if (rest.startsWith("[:") || /^\\[pP]/.test(rest)) {
    throw new PatternError(`a named character class is not supported, at ${JSON.stringify(rest)}`);
  }
  return rest.startsWith("\\") ? [rest.slice(0, 2), rest.slice(0, 2)] : [rest.slice(0, 1), rest.slice(0, 1)];
}

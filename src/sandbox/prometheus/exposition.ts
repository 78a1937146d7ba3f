import { METRIC_NAME, type Labels } from "./labels.ts";
import { canonicalBound, parseFloatText } from "./numbers.ts";

export interface ExposedSample {
  readonly labels: Labels;
  readonly value: number;
  /** Only where the target wrote a time itself. */
  readonly timeMs: number | undefined;
}

/** A line of a scrape that is not in the text exposition format. */
export class ExpositionError extends Error {
  override readonly name = "ExpositionError";
}

/**
 * Parses the Prometheus text exposition format 0.0.4, as prom-client and Envoy write it, quoted UTF-8 names included;
 * exemplars are skipped. Bounds (`le`, `quantile`) get the spelling of Prometheus 3. Throws `ExpositionError`.
 */
export function parseExposition(text: string): ExposedSample[] {
  const samples: ExposedSample[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const sample = parseLine(line);
    if (sample === undefined) throw new ExpositionError(`line ${index + 1} is not a sample: ${JSON.stringify(line)}`);
    samples.push(sample);
  }
  return samples;
}

const NAME = /^[A-Za-z_:][\w:]*/;
const LABEL = /^\s*(?:([A-Za-z_]\w*)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)"\s*)?(,|(?=\}))/;

function parseLine(line: string): ExposedSample | undefined {
  const name = NAME.exec(line)?.[0] ?? "";
  const block = parseLabelBlock(line.slice(name.length).trimStart());
  if (block === undefined) return undefined;
  const metric = name === "" ? block.quotedName : name;
  const [valueText = "", timeText, extra] = block.rest
    .split(/\s+#\s/, 1)
    .join("")
    .trim()
    .split(/\s+/);
  const value = parseFloatText(valueText);
  const timeMs = timeText === undefined ? undefined : Number(timeText);
  if (metric === undefined || value === undefined || Number.isNaN(timeMs) || extra !== undefined) return undefined;
  return { labels: { [METRIC_NAME]: metric, ...block.labels }, value, timeMs };
}

interface LabelBlock {
  readonly labels: Record<string, string>;
  readonly quotedName: string | undefined;
  readonly rest: string;
}

function parseLabelBlock(text: string): LabelBlock | undefined {
  const labels: Record<string, string> = {};
  if (!text.startsWith("{")) return { labels, quotedName: undefined, rest: text };
  let rest = text.slice(1).trimStart();
  let quotedName: string | undefined;
  while (!rest.startsWith("}")) {
    const found = LABEL.exec(rest);
    if (found === null) return undefined;
    const [whole, plain, quoted, value] = found;
    if (value !== undefined) setLabel(labels, plain ?? unescape(quoted ?? ""), unescape(value));
    else if (quoted !== undefined && quotedName === undefined) quotedName = unescape(quoted);
    else return undefined;
    rest = rest.slice(whole.length).trimStart();
  }
  return { labels, quotedName, rest: rest.slice(1) };
}

function setLabel(labels: Record<string, string>, name: string, value: string): void {
  labels[name] = name === "le" || name === "quantile" ? canonicalBound(value) : value;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (whole, escaped: string) =>
    escaped === "n" ? "\n" : /["\\]/.test(escaped) ? escaped : whole,
  );
}

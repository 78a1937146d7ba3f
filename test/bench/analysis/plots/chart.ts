/** An axis from the first tick to the last. */
export interface Axis {
  readonly label: string;
  readonly ticks: readonly number[];
  /** What stands at a tick; left out: the number. */
  readonly format?: (value: number) => string;
  /** Equal factors are equally far apart; ticks are then above 0. */
  readonly isLog?: boolean;
}

export interface Line {
  readonly name: string;
  /** In order of x; what lies outside the axes is cut off at their ends. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  /** For who cannot see it. */
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Six at most. */
  readonly lines: readonly Line[];
  /** A horizontal line that means something. */
  readonly threshold?: { readonly at: number; readonly label: string };
}

const WIDTH = 760;
const HEIGHT = 400;
const PLOT = { left: 70, right: 736, top: 76, bottom: 346 } as const;

/** Distinct for the colour-blind (Okabe and Ito), and by dashes for who prints them in grey; then the same on dark. */
const STYLES = [
  { light: "#0072b2", dark: "#56b4e9", dash: "" },
  { light: "#d55e00", dark: "#ff8c42", dash: "8 4" },
  { light: "#007a5a", dark: "#2fd0a0", dash: "2 4" },
  { light: "#9a4f86", dark: "#e39bcb", dash: "10 3 2 3" },
  { light: "#7a6a00", dark: "#e0cc4a", dash: "4 3" },
  { light: "#555555", dark: "#b5b5b5", dash: "14 4" },
] as const;

/** The chart as an SVG file that is read on light and on dark pages, with a background of its own for any other. */
export function svgOf(chart: Chart): string {
  const { title, description, lines } = chart;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title about">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="about">${escaped(description)}</desc>`,
    `<style>${css(lines.length)}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    text(PLOT.left, 28, title, "heading"),
    ...legend(lines),
    ...xAxis(chart.x),
    ...yAxis(chart.y),
    ...threshold(chart),
    ...lines.map((line, index) => `<polyline class="line l${index}" points="${pointsOf(line, chart)}"/>`),
    "</svg>",
    "",
  ].join("\n");
}

function css(lines: number): string {
  const used = STYLES.slice(0, lines);
  const colours = (theme: "light" | "dark") =>
    used.map((style, index) => `.l${index}{stroke:${style[theme]}}`).join("");
  const dashes = used.map(({ dash }, index) => (dash === "" ? "" : `.l${index}{stroke-dasharray:${dash}}`)).join("");
  return (
    `text{font:13px system-ui,sans-serif;fill:#24292f}.heading{font-size:15px;font-weight:600}.page{fill:#fff}` +
    `.grid{stroke:#d8dee4}.threshold{stroke:#24292f;stroke-dasharray:3 3}.line{fill:none;stroke-width:2.2}` +
    `.middle{text-anchor:middle}.end{text-anchor:end}${colours("light")}${dashes}` +
    `@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.grid{stroke:#30363d}` +
    `.threshold{stroke:#e6edf3}${colours("dark")}}`
  );
}

function legend(lines: readonly Line[]): string[] {
  let left: number = PLOT.left;
  return lines.flatMap(({ name }, index) => {
    const from = left;
    left += 34 + 7.2 * name.length + 20;
    return [
      `<line class="line l${index}" x1="${round(from)}" y1="50" x2="${round(from + 28)}" y2="50"/>`,
      text(from + 34, 54, name),
    ];
  });
}

function xAxis(axis: Axis): string[] {
  const at = (value: number) => place(value, axis, PLOT.left, PLOT.right);
  return [
    ...axis.ticks.map((tick) => text(at(tick), PLOT.bottom + 20, labelOf(tick, axis), "middle")),
    text((PLOT.left + PLOT.right) / 2, HEIGHT - 12, axis.label, "middle"),
  ];
}

function yAxis(axis: Axis): string[] {
  const at = (value: number) => place(value, axis, PLOT.bottom, PLOT.top);
  const middle = (PLOT.top + PLOT.bottom) / 2;
  return [
    ...axis.ticks.flatMap((tick) => [
      `<line class="grid" x1="${PLOT.left}" y1="${round(at(tick))}" x2="${PLOT.right}" y2="${round(at(tick))}"/>`,
      text(PLOT.left - 8, at(tick) + 4, labelOf(tick, axis), "end"),
    ]),
    `<text class="middle" transform="translate(16 ${round(middle)}) rotate(-90)">${escaped(axis.label)}</text>`,
  ];
}

function threshold({ threshold: line, y }: Chart): string[] {
  if (line === undefined) return [];
  const at = round(place(line.at, y, PLOT.bottom, PLOT.top));
  return [
    `<line class="threshold" x1="${PLOT.left}" y1="${at}" x2="${PLOT.right}" y2="${at}"/>`,
    text(PLOT.right - 4, at - 6, line.label, "end"),
  ];
}

function pointsOf({ points }: Line, { x, y }: Chart): string {
  return points
    .map(([a, b]) => `${round(place(a, x, PLOT.left, PLOT.right))},${round(place(b, y, PLOT.bottom, PLOT.top))}`)
    .join(" ");
}

function place(value: number, { ticks, isLog }: Axis, from: number, to: number): number {
  const scale = isLog === true ? Math.log : (plain: number) => plain;
  const [first, last] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const kept = Math.min(last, Math.max(first, value));
  return from + ((to - from) * (scale(kept) - scale(first))) / (scale(last) - scale(first));
}

function labelOf(tick: number, { format }: Axis): string {
  return format === undefined ? String(tick) : format(tick);
}

function text(x: number, y: number, content: string, style?: string): string {
  const styled = style === undefined ? "" : ` class="${style}"`;
  return `<text${styled} x="${round(x)}" y="${round(y)}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

import { stripVTControlCharacters, styleText } from "node:util";
import type { Verdict } from "../../api/status.ts";
import type { DemoEvent, DemoSummary, DemoView, VersionTraffic } from "./events.ts";

/** Where the picture goes; a terminal when `isTTY`. */
export interface Screen {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string): void;
}

type Style = Parameters<typeof styleText>[0];

/** What stands in the live lines below the events. */
interface Picture {
  readonly weight: number;
  readonly traffic: string;
  readonly checks: ReadonlyMap<string, string>;
  readonly why: string;
}

const BAR_WIDTH = 40;
/** Without a terminal, one line of traffic for so many seconds is enough. */
const PLAIN_TRAFFIC_EVERY = 5;

/** The terminal's picture: events as they come and, on a terminal, the present state below them. */
export function createTerminalView(screen: Screen): DemoView {
  const paint = (style: Style, text: string): string =>
    screen.isTTY ? styleText(style, text, { validateStream: false }) : text;
  const area = createLiveArea(screen);
  let picture: Picture = { weight: 0, traffic: "", checks: new Map(), why: "" };
  let seen = 0;
  const print = (seconds: number, line: string): void => {
    area.above(`${paint("gray", `${seconds.toFixed(1).padStart(6)}s`)}  ${line}\n`, liveLines(picture, paint));
  };
  return {
    show(event, seconds) {
      const news = isNews(event, picture);
      picture = pictureAfter(picture, event);
      if (event.type === "traffic") {
        seen += 1;
        if (screen.isTTY) area.above("", liveLines(picture, paint));
        else if (seen % PLAIN_TRAFFIC_EVERY === 0) print(seconds, `traffic   ${picture.traffic}`);
        return;
      }
      const line = news ? lineOf(event, paint) : undefined;
      if (line !== undefined) print(seconds, line);
    },
    summary(summary) {
      area.above(summaryText(summary, paint), []);
    },
    failure(message) {
      area.above(`\n${paint("red", message)}\n`, []);
    },
  };
}

/** Lines at the bottom of a terminal that are redrawn in place; elsewhere only what is above them is written. */
function createLiveArea({ isTTY, columns, write }: Screen) {
  let drawn = 0;
  return {
    above(text: string, lines: readonly string[]): void {
      if (drawn > 0) write(`\u001b[${drawn}A\u001b[J`);
      write(text);
      drawn = isTTY ? lines.length : 0;
      if (drawn > 0) write(`${lines.map((line) => fit(line, columns)).join("\n")}\n`);
    },
  };
}

/** A check tells its value at every reading; only another verdict is news. */
function isNews(event: DemoEvent, { checks }: Picture): boolean {
  return event.type !== "check" || checks.get(event.name)?.startsWith(`${event.verdict} `) !== true;
}

const VERDICT_STYLES: Readonly<Record<Verdict, Style>> = {
  Pass: "green",
  Fail: "red",
  Undecided: "yellow",
  NoData: "gray",
  Error: "magenta",
};

type Paint = (style: Style, text: string) => string;

function pictureAfter(picture: Picture, event: DemoEvent): Picture {
  switch (event.type) {
    case "traffic":
      return { ...picture, weight: event.weight, traffic: trafficText(event.byVersion, event.errorShare) };
    case "weight":
      return { ...picture, weight: event.weight };
    case "check":
      return { ...picture, checks: new Map([...picture.checks, [event.name, `${event.verdict} ${event.message}`]]) };
    case "why":
      return { ...picture, why: event.message };
    case "released":
      return { ...picture, checks: new Map() };
    case "started":
    case "applied":
    case "phase":
    case "event":
    case "outcome":
      return picture;
  }
}

function trafficText(byVersion: Readonly<Record<string, VersionTraffic>>, errorShare: number): string {
  const versions = Object.entries(byVersion).toSorted(([a], [b]) => a.localeCompare(b));
  const parts = versions.map(([version, { requests }]) => `${version}: ${requests}/s`);
  return `${parts.join("   ")}   errors ${(errorShare * 100).toFixed(1)} %`;
}

function liveLines({ weight, traffic, checks, why }: Picture, paint: Paint): readonly string[] {
  const canary = Math.round((weight * BAR_WIDTH) / 100);
  const bar = `${paint("green", "█".repeat(BAR_WIDTH - canary))}${paint("yellow", "█".repeat(canary))}`;
  return [
    "",
    `  primary ${bar} canary ${weight} %`,
    `  ${traffic}`,
    ...[...checks].map(([name, text]) => `  ${name.padEnd(14)}${text}`),
    `  ${paint("dim", why)}`,
  ];
}

/** Cuts a line to the width of the terminal: a wrapped one would not be erased whole. */
function fit(line: string, columns: number): string {
  const visible = stripVTControlCharacters(line);
  return visible.length < columns ? line : visible.slice(0, Math.max(0, columns - 1));
}

function lineOf(event: DemoEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case "started":
      return `sandbox   kubectl --kubeconfig ${event.kubeconfig}   gateway ${event.gateway}`;
    case "applied":
      return `applied   ${event.objects.join(", ")}`;
    case "released":
      return paint("bold", `release   ${event.version}, a ${event.expectation} one`);
    case "phase":
      return `phase     ${event.phase}`;
    case "weight":
      return paint("cyan", `weight    ${event.weight} %${event.step === undefined ? "" : `   step ${event.step}`}`);
    case "check":
      return `check     ${event.name}: ${paint(VERDICT_STYLES[event.verdict], event.verdict)}  ${event.message}`;
    case "why":
      return `why       ${event.message}`;
    case "event":
      return event.kind === "Warning" ? paint("yellow", `event     ${event.reason}: ${event.note}`) : undefined;
    case "outcome":
      return paint(
        ["bold", event.outcome === "Succeeded" ? "green" : "red"],
        `outcome   ${event.version} ${event.outcome} after ${event.seconds} s: ${event.why}`,
      );
    case "traffic":
      return undefined;
  }
}

function summaryText(summary: DemoSummary, paint: Paint): string {
  const rollouts = summary.rollouts.map(
    ({ version, outcome, seconds, why }) =>
      `  ${version}   ${outcome.padEnd(10)} ${String(seconds).padStart(5)} s   ${why}`,
  );
  const versions = Object.entries(summary.byVersion).map(
    ([version, { requests, errors }]) => `  ${version}   ${requests} requests, ${errors} errors`,
  );
  const verdict = summary.ok
    ? paint(["bold", "green"], "The good release was promoted, the bad one rolled back, and no request was dropped.")
    : paint(["bold", "red"], summary.problems.join("; "));
  return [
    "",
    ...rollouts,
    ...versions,
    `  ${summary.requests} requests in ${summary.seconds} s, ${summary.failedByGateway} failed by the gateway`,
    "",
    verdict,
    "",
  ].join("\n");
}

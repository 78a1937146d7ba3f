import { kindsEach, quantile } from "../figures.ts";
import type { Measured } from "./measure.ts";

/** Requests of the floor for a member: it scales and shifts. */
const FLOOR_REQUESTS = 2;

const HEAD = [
  "at once",
  "controller",
  "first weight p50 / p95 / last, s",
  "floor p50 / last, s",
  "ratio p50 / last",
  "requests each",
  "CPU s",
  "CPU s of all (floor, ratio)",
  "cores of others (floor)",
  "peak MiB",
];

/** One table in Markdown, with a row for each controller and size beside the floor that was measured just before it. */
export function tableOf(all: readonly Measured[]): string {
  const rows = [HEAD, HEAD.map(() => "---"), ...all.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cells = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0, cell === "---" ? "-" : " ")).join(" | ");
  return rows.map((row) => `| ${cells(row)} |`).join("\n");
}

/** What the requests of a member were, the most frequent first. */
export function requestsOf({ contender, size, requests }: Measured): string {
  return `${contender.name} at ${size}: ${kindsEach(requests, size)}`;
}

function rowOf(measured: Measured): string[] {
  const { contender, size, first, requests, load } = measured;
  const { weight: floor, load: floorLoad } = measured.floor;
  const total = [...requests.values()].reduce((sum, count) => sum + count, 0);
  return [
    String(size),
    `${contender.name} ${contender.version}`,
    [quantile(first, 0.5), quantile(first, 0.95), quantile(first, 1)].map(seconds).join(" / "),
    [quantile(floor, 0.5), quantile(floor, 1)].map(seconds).join(" / "),
    [0.5, 1].map((share) => (quantile(first, share) / quantile(floor, share)).toFixed(2)).join(" / "),
    `${(total / size).toFixed(1)} (floor ${FLOOR_REQUESTS})`,
    measured.cpuSeconds.toFixed(2),
    `${load.together.toFixed(1)} (${floorLoad.together.toFixed(1)}, ${(load.together / floorLoad.together).toFixed(2)})`,
    `${load.others.toFixed(1)} (${floorLoad.others.toFixed(1)})`,
    measured.peakMiB.toFixed(0),
  ];
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}

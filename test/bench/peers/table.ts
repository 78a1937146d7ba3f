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
  const kinds = [...requests]
    .map(([what, count]) => [what, count / size] as const)
    .filter(([, each]) => each >= 0.05)
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, each]) => `${what} ${each.toFixed(1)}`);
  return `${contender.name} at ${size}: ${kinds.join(", ")}`;
}

function rowOf(measured: Measured): string[] {
  const { contender, size, first, requests, load } = measured;
  const { weight: floor, load: floorLoad } = measured.floor;
  const total = [...requests.values()].reduce((sum, count) => sum + count, 0);
  return [
    String(size),
    `${contender.name} ${contender.version}`,
    [at(first, 0.5), at(first, 0.95), at(first, 1)].map(seconds).join(" / "),
    [at(floor, 0.5), at(floor, 1)].map(seconds).join(" / "),
    [0.5, 1].map((share) => (at(first, share) / at(floor, share)).toFixed(2)).join(" / "),
    `${(total / size).toFixed(1)} (floor ${FLOOR_REQUESTS})`,
    measured.cpuSeconds.toFixed(2),
    `${load.together.toFixed(1)} (${floorLoad.together.toFixed(1)}, ${(load.together / floorLoad.together).toFixed(2)})`,
    `${load.others.toFixed(1)} (${floorLoad.others.toFixed(1)})`,
    measured.peakMiB.toFixed(0),
  ];
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}

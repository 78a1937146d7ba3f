/** Columns as wide as their widest cell, two spaces apart; the last one is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** How long ago, in the shortest usual form. */
export function ageOf(time: string | undefined, nowMs: number, format: (milliseconds: number) => string): string {
  const sinceMs = Date.parse(time ?? "");
  return Number.isNaN(sinceMs) ? "" : format(Math.max(1_000, nowMs - sinceMs));
}

/** An image without its registry and path, as people say it; a digest is shortened. */
export function shortImage(image: string): string {
  return image.replace(/^.*\//, "").replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1");
}

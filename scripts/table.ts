/**
 * A Markdown table, a line each. Columns are padded as the formatter wants them, unless the page is one that it leaves
 * alone: `compact`, for cells so long that padding would be most of the page.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { compact = false }: { readonly compact?: boolean } = {},
): string[] {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", String.raw`\|`)));
  const widths = header.map((title, column) =>
    compact
      ? 0
      : Math.max(MIN_WIDTH, ...[title, ...escaped.map((row) => row[column] ?? "")].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(Math.max(MIN_WIDTH, width)))), ...escaped.map(line)];
}

/** What Markdown asks of the line below the header. */
const MIN_WIDTH = 3;

/**
 * The rows of a CSV text, without empty lines and lines that are comments (`#…`).
 * Source: RFC 4180, and the annotations of InfluxDB.
 */
export function readCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/gy;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (found === null) return [];
    const [, quoted, plain = "", end] = found;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows
    .filter((cells) => cells.some((one) => one !== "") && cells[0]?.startsWith("#") !== true)
    .map(withoutFirst);
}

/** Every line of an answer with tables begins with an empty cell, where annotations stand. */
function withoutFirst(cells: readonly string[]): readonly string[] {
  return cells.length > 1 && cells[0] === "" ? cells.slice(1) : cells;
}

/** Do two rendered results hold the same elements, numbers equal to 12 digits? */
export function agree(got: readonly string[], wanted: readonly string[], ordered: boolean): boolean {
  const [left, right] = ordered ? [got, wanted] : [[...got].sort(), [...wanted].sort()];
  return left.length === right.length && left.every((line, index) => sameElement(line, right[index] ?? ""));
}

function sameElement(left: string, right: string): boolean {
  const [a, b] = [splitValue(left), splitValue(right)];
  if (a.labels !== b.labels) return false;
  if (a.value === b.value) return true;
  const [x, y] = [Number(a.value), Number(b.value)];
  return Math.abs(x - y) <= 1e-12 * Math.max(Math.abs(x), Math.abs(y));
}

function splitValue(line: string): { labels: string; value: string } {
  const cut = line.lastIndexOf("} ");
  return cut < 0 ? { labels: "", value: line } : { labels: line.slice(0, cut), value: line.slice(cut + 2) };
}

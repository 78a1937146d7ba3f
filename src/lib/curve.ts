/** A number that may change: as it stands, or `[minute, number]` points with straight lines between them. */
export type Curve = number | (readonly [minute: number, value: number])[];

/** The value of a curve at a minute; before its first point and after its last one, theirs. */
export function valueAt(points: Curve, minute: number): number {
  if (typeof points === "number") return points;
  const after = points.findIndex(([at]) => at > minute);
  const right = points[after === -1 ? points.length - 1 : after];
  const left = points[after === -1 ? points.length - 1 : Math.max(0, after - 1)];
  if (left === undefined || right === undefined) return 0;
  if (right[0] <= left[0] || minute <= left[0]) return left[1];
  return left[1] + ((right[1] - left[1]) * (minute - left[0])) / (right[0] - left[0]);
}

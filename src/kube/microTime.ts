/** A `MicroTime` as the API server insists on: exactly six digits after the second. */
export function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.(\d{3})Z$/, ".$1000Z");
}

/** Whether two values are the same as JSON: keys in any order, and a key without a value is no key. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const held = keysOf(a);
  return held.length === keysOf(b).length && held.every((key) => sameJson(a[key], b[key]));
}

/** Whether `whole` says all that `part` says, and perhaps more; lists are of one length. What is empty may be left out. */
export function covers(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    const list: unknown = whole ?? [];
    return Array.isArray(list) && list.length === part.length && part.every((item, at) => covers(list[at], item));
  }
  if (!isRecord(part)) return whole === part;
  const object = whole ?? {};
  return isRecord(object) && keysOf(part).every((key) => covers(object[key], part[key]));
}

/** JSON with its keys in order: the same text for the same value. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  const fields = keysOf(value).toSorted();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

function keysOf(record: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(record).filter((key) => record[key] !== undefined);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

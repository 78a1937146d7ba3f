import { arrayOf, objectOf, stringMap, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";

/** A time span in the short form of kubectl: 45s, 3m20s, 5h, 4d3h, 2y10d. */
export function shortDuration(seconds: number): string {
  if (seconds < -1) return "<invalid>";
  if (seconds <= 0) return "0s";
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return pair(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  if (days < 8) return pair(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  return pair(Math.floor(days / 365), "y", days % 365, "d");
}

function pair(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`;
}

/** How long ago a timestamp was. */
export function age(timestamp: Json | undefined, now: number): string {
  const time = Date.parse(stringOf(timestamp));
  return Number.isNaN(time) ? "<unknown>" : shortDuration(Math.floor((now - time) / 1000));
}

export function orNone(text: string): string {
  return text === "" ? "<none>" : text;
}

export function labelsText(labels: Json | undefined): string {
  return orNone(
    Object.entries(stringMap(labels))
      .toSorted()
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  );
}

/** A few of the items, and how many more there are. */
export function someOf(items: readonly string[], limit = 3): string {
  if (items.length === 0) return "<unset>";
  const shown = items.slice(0, limit).join(",");
  return items.length <= limit ? shown : `${shown} + ${items.length - limit} more...`;
}

export function containersOf(podSpec: Json | undefined): readonly JsonObject[] {
  return arrayOf(objectOf(podSpec)["containers"]).map((container) => objectOf(container));
}

export function joined(items: readonly JsonObject[], key: string): string {
  return items.map((item) => stringOf(item[key])).join(",");
}

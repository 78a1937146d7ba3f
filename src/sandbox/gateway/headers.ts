import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { HeaderEdits } from "./model.ts";

/** Marks answers that the gateway gave by itself, with why. A backend cannot set it. */
export const GATEWAY_HEADER = "x-sandbox-gateway";

/** Meant for one connection only, so never passed on (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers as they go on to the other side, with the edits applied. */
export function passOn(headers: IncomingHttpHeaders, edits: readonly HeaderEdits[]): OutgoingHttpHeaders {
  const result: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && name !== GATEWAY_HEADER) result[name] = value;
  }
  for (const { remove, set, add } of edits) {
    for (const name of remove) delete result[name.toLowerCase()];
    for (const [name, value] of set) result[name.toLowerCase()] = value;
    for (const [name, value] of add) {
      const before = result[name.toLowerCase()];
      result[name.toLowerCase()] = before === undefined ? value : `${String(before)}, ${value}`;
    }
  }
  return result;
}

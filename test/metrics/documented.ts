import { expect } from "vitest";
import type { Asking } from "./asking.ts";
import type { Respond } from "./stubServer.ts";

export const text = (status: number, body: string, type = "text/plain"): Respond => {
  return (_request, response) => void response.writeHead(status, { "content-type": type }).end(body);
};
export const value = (number: number) => ({ kind: "value", value: number });
export const empty = { kind: "empty" };
export const says = (kind: "unreachable" | "badQuery", message: RegExp) => {
  return { kind, message: expect.stringMatching(message) as string };
};

/** An answer in a documented form, and how it is to be read. */
export interface Documented extends Asking {
  readonly what: string;
  readonly expected: object;
}

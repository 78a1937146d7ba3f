import { createHash, createHmac } from "node:crypto";
import type { StubRequest } from "./stubServer.ts";

interface Signed {
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
}

/**
 * The signature that a request ought to have, as the server of AWS works it out for itself.
 * Source: AWS, "Create a signed AWS API request".
 */
export function expectedSignature({ method, path, headers, body }: StubRequest, signed: Signed): string {
  const { secretAccessKey, region, service } = signed;
  const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  const lines = names.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, path, "", lines.join(""), names, sha256(body)].join("\n");
  const time = String(headers["x-amz-date"]);
  const scope = [time.slice(0, 8), region, service, "aws4_request"];
  const toSign = ["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(canonical)].join("\n");
  const key = scope.reduce<Buffer | string>((before, part) => hmac(before, part), `AWS4${secretAccessKey}`);
  return hmac(key, toSign).toString("hex");
}

export function signatureOf({ headers }: StubRequest): string {
  return /Signature=(\w+)/.exec(headers.authorization ?? "")?.[1] ?? "";
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

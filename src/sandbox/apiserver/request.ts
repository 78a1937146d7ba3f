import type { IncomingMessage } from "node:http";
import { parse as parseYaml } from "yaml";
import type { WriteOptions } from "./context.ts";
import type { Json } from "./json.ts";
import { badRequest, unsupportedMediaType } from "./status.ts";

/** What a URL under /api or /apis addresses. */
export interface Address {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Reads the path of a resource request; undefined for any other path. */
export function addressOf(path: string): Address | undefined {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map((part) => decodeURIComponent(part));
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return undefined;
  const [group = "", version, ...rest] = isCore ? ["", ...parts.slice(1)] : parts.slice(1);
  if (version === undefined || rest.length === 0) return undefined;
  return { group, version, ...placeOf(rest) };
}

/** `namespaces/x` is the namespace object itself, unless a resource inside of it follows. */
function placeOf(parts: readonly string[]): Omit<Address, "group" | "version"> {
  const [first = "", second, third, name, subresource] = parts;
  const isInside = first === "namespaces" && third !== undefined && third !== "status" && third !== "finalize";
  if (isInside) return { plural: third, namespace: second, name, subresource };
  return { plural: first, namespace: undefined, name: second, subresource: third };
}

/** One request with what every handler asks of it. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: Json;
}

const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES) throw badRequest("the request body is larger than 3 MiB");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** `kubectl create deployment` and its like send protobuf; `kubectl create -f` and `apply` send JSON. */
const PROTOBUF_HINT =
  "the sandbox speaks JSON only; add `--dry-run=client -o yaml | kubectl apply -f -` to commands that build objects themselves";
const ACCEPTED = ["application/json", "application/yaml"];

/** Reads a request whole. Throws 400 for a body that does not parse and 415 for protobuf and the like. */
export async function readRequest(message: IncomingMessage): Promise<ApiRequest> {
  const url = new URL(message.url ?? "/", "http://sandbox");
  const contentType = (message.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  const text = await readBody(message);
  return {
    method: message.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    accept: message.headers.accept ?? "",
    contentType,
    userAgent: message.headers["user-agent"] ?? "",
    body: text === "" ? null : parseBody(text, contentType),
  };
}

function parseBody(text: string, contentType: string): Json {
  try {
    if (contentType.endsWith("yaml")) return parseYaml(text) as Json;
    if (contentType === "" || contentType.endsWith("json")) return JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : ""}`);
  }
  throw unsupportedMediaType(contentType, ACCEPTED, PROTOBUF_HINT);
}

/** `true`, `1` and a bare key are true. */
export function flag(query: URLSearchParams, key: string): boolean {
  const value = query.get(key);
  return value !== null && value !== "false" && value !== "0";
}

/** A whole number, or undefined when absent. Throws 400. */
export function whole(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw badRequest(`invalid value for ${key}: ${text}`);
  return value;
}

export function writeOptionsOf(request: ApiRequest, subresource: string | undefined): WriteOptions {
  const { query } = request;
  const validation = query.get("fieldValidation") ?? "";
  if (validation !== "" && validation !== "Strict" && validation !== "Warn" && validation !== "Ignore") {
    throw badRequest(
      `fieldValidation: Unsupported value: "${validation}": supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  return {
    dryRun: query.get("dryRun") === "All",
    fieldManager: query.get("fieldManager") ?? defaultManager(request),
    fieldValidation: validation === "" ? "Warn" : validation,
    subresource,
  };
}

/** Without a field manager the first word of the user agent is taken, but never for an apply. */
function defaultManager(request: ApiRequest): string {
  if (request.contentType.startsWith("application/apply-patch")) return "";
  return request.userAgent.split("/")[0] || "unknown";
}

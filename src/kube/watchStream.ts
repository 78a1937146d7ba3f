import { Buffer } from "node:buffer";
import { StringDecoder } from "node:string_decoder";
import { messageOf } from "../lib/errors.ts";
import { abortError, onAbort } from "./abort.ts";
import { KubeError } from "./errors.ts";
import type { KubeObject, WatchEvent } from "./port.ts";
import { errorOfStatus } from "./transport.ts";

/** A byte stream that can be broken off. */
export interface ByteStream extends AsyncIterable<unknown> {
  destroy(error?: Error): unknown;
}

export interface WatchStreamOptions {
  /** Silence after which the stream counts as dead, in milliseconds. */
  readonly inactivityMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Far above what etcd stores of one object (1.5 MiB), so only a stream that is not one of events gets there. */
const MAX_LINE_CHARACTERS = 32 * 1024 * 1024;

/**
 * The events of a watch, from the bytes of its answer. Returns when the server ends the stream between two events.
 * @throws KubeError for an ERROR event (Gone for 410), and with reason Unavailable for a reset, a stream that ends within
 * a line, one that is not JSON, and one that is silent for too long; AbortError when the signal is aborted.
 */
export async function* readWatchStream<T extends KubeObject>(
  stream: ByteStream,
  { inactivityMs, signal }: WatchStreamOptions,
): AsyncGenerator<WatchEvent<T>> {
  let silent = false;
  const breakOff = (): void => void stream.destroy(new Error("broken off"));
  const timer = setTimeout(() => {
    silent = true;
    breakOff();
  }, inactivityMs);
  const unsubscribe = onAbort(signal, breakOff);
  try {
    const splitLines = createLineSplitter();
    for await (const chunk of stream) {
      timer.refresh();
      for (const line of splitLines.push(chunk)) yield parseEvent<T>(line);
    }
    if (splitLines.rest().trim() !== "") throw unavailable("the watch ended within an event");
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal);
    if (silent) throw unavailable(`the watch was silent for ${inactivityMs} ms`);
    throw error instanceof KubeError ? error : unavailable(`the watch broke: ${messageOf(error)}`, error);
  } finally {
    clearTimeout(timer);
    unsubscribe();
    stream.destroy();
  }
  if (signal?.aborted === true) throw abortError(signal);
}

function unavailable(message: string, cause?: unknown): KubeError {
  return new KubeError({ reason: "Unavailable", status: 0, message, cause });
}

interface LineSplitter {
  /** The lines that end in this chunk. */
  push(chunk: unknown): readonly string[];
  /** What came after the last line end. */
  rest(): string;
}

/** Chunks end anywhere, also within a character. */
function createLineSplitter(): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let pieces: string[] = [];
  let pending = 0;
  return {
    push(chunk) {
      const text = Buffer.isBuffer(chunk) ? decoder.write(chunk) : String(chunk);
      const lines = text.split("\n");
      const last = lines.pop() ?? "";
      if (lines[0] !== undefined) {
        lines[0] = pieces.join("") + lines[0];
        pieces = [];
        pending = 0;
      }
      pieces.push(last);
      pending += last.length;
      if (pending > MAX_LINE_CHARACTERS) throw unavailable("an event of the watch is larger than any object can be");
      return lines.filter((line) => line.trim() !== "");
    },
    rest: () => pieces.join("") + decoder.end(),
  };
}

interface RawEvent {
  readonly type: string;
  readonly object: KubeObject & { readonly code?: number };
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: RawEvent;
  try {
    event = JSON.parse(line) as RawEvent;
  } catch (cause) {
    throw unavailable("an event of the watch is not JSON", cause);
  }
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: event.type, object: event.object as unknown as T };
    case "BOOKMARK":
      return { type: "BOOKMARK", resourceVersion: event.object.metadata.resourceVersion ?? "" };
    case "ERROR":
      throw errorOfStatus(event.object.code ?? 500, event.object, "watch");
    default:
      throw unavailable(`the watch sent an event of the unknown type ${JSON.stringify(event.type)}`);
  }
}

import { randomBytes } from "node:crypto";
import { silentLog } from "../lib/log.ts";
import type { Log } from "../lib/log.ts";
import type { Clock } from "../lib/time.ts";
import { isKubeError } from "./errors.ts";
import { kinds } from "./kinds.ts";
import { microTime } from "./microTime.ts";
import type { KubeEvent, ObjectReference } from "./objects.ts";
import type { Kube, KubeObject } from "./port.ts";

/** What is to be told about an object. */
export interface EventInput {
  readonly regarding: KubeObject;
  readonly type: "Normal" | "Warning";
  /** CamelCase, at most 128 characters. */
  readonly reason: string;
  /** A sentence; cut at 1024 bytes. */
  readonly note: string;
  /** CamelCase; what was done or failed. Default: the reason. */
  readonly action?: string;
}

export interface EventRecorderOptions {
  readonly kube: Kube;
  readonly clock: Clock;
  /** Name of this replica, such as its Pod's. */
  readonly instance: string;
  readonly controller?: string;
  readonly log?: Log;
}

export interface EventRecorder {
  /** Never throws and never waits; what is too much is dropped. */
  record(event: EventInput): void;
  /** Resolves when everything that was recorded is written or dropped. */
  flush(): Promise<void>;
  /** Events that were not written, since the start. */
  dropped(): number;
}

/** The same thing told again within this time counts up the series of one Event. */
const SERIES_MS = 10 * 60_000;
/** Events for one object: so many at once, then one each `REFILL_MS`, as other controllers do. */
const BURST = 25;
const REFILL_MS = 60_000;
/** Series and objects that are remembered, and events that wait. */
const MAX_REMEMBERED = 4_096;
const MAX_WAITING = 512;
const MAX_NOTE_BYTES = 1_024;
const MAX_NAME = 128;

/**
 * Events come after the writes that users wait for: in a burst of releases each of them takes the API server as long as
 * a pod's own progress. They are told a second later, one each `PACE_MS`, and faster when so many wait that the last
 * would be later than `HURRY_MS`.
 */
const HOLD_BACK_MS = 1_000;
const PACE_MS = 100;
const HURRY_MS = 30_000;

/** One thing that is told, perhaps several times. */
interface Series {
  readonly input: EventInput;
  event: KubeEvent | undefined;
  count: number;
  lastMs: number;
  waiting: boolean;
}

/**
 * Kubernetes Events about objects, counted instead of repeated and bounded in rate. They are those of core/v1: kubectl
 * sorts what it describes by `lastTimestamp`, which `events.k8s.io/v1` wants unset.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, log = silentLog } = options;
  const series = new Map<string, Series>();
  const waiting: Series[] = [];
  const allow = createRateLimit(clock);
  let dropped = 0;
  let sending: Promise<void> | undefined;
  let flushing = false;
  let wakeUp: (() => void) | undefined;

  const pause = async (delayMs: number): Promise<void> => {
    if (flushing || delayMs <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(delayMs, resolve);
      wakeUp = () => {
        cancel();
        resolve();
      };
    });
  };
  const sendAll = async (): Promise<void> => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await pause(next.lastMs + HOLD_BACK_MS - clock.now());
      await pause(Math.min(PACE_MS, HURRY_MS / waiting.length));
      waiting.shift();
      next.waiting = false;
      try {
        next.event = await write(options, next);
      } catch (error) {
        dropped += 1;
        log.warn({ err: error, reason: next.input.reason }, "event not written");
      }
    }
    sending = undefined;
  };

  return {
    record(input) {
      const now = clock.now();
      const entry = seriesOf(series, input, now);
      entry.count += 1;
      entry.lastMs = now;
      if (entry.waiting) return;
      if (waiting.length >= MAX_WAITING || !allow(input.regarding.metadata.uid ?? input.regarding.metadata.name)) {
        dropped += 1;
        return;
      }
      entry.waiting = true;
      waiting.push(entry);
      // Later: repeats that come together are one write.
      sending ??= Promise.resolve().then(sendAll);
    },
    async flush() {
      flushing = true;
      wakeUp?.();
      await sending;
      flushing = false;
    },
    dropped: () => dropped,
  };
}

function seriesOf(all: Map<string, Series>, input: EventInput, now: number): Series {
  const { metadata, kind } = input.regarding;
  const about = [kind, metadata.uid ?? metadata.name, metadata.namespace];
  const key = JSON.stringify([...about, input.type, input.reason, input.action, input.note]);
  const held = all.get(key);
  if (held !== undefined && now - held.lastMs < SERIES_MS) return held;
  const made: Series = { input, event: undefined, count: 0, lastMs: now, waiting: false };
  all.delete(key);
  all.set(key, made);
  forgetOldest(all);
  return made;
}

function forgetOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next();
  if (map.size > MAX_REMEMBERED && oldest.done !== true) map.delete(oldest.value);
}

async function write(options: EventRecorderOptions, series: Series): Promise<KubeEvent> {
  const { kube } = options;
  const { event, count, lastMs } = series;
  if (event === undefined) return kube.create(kinds.event, eventOf(options, series));
  const { name, namespace } = event.metadata;
  const ref = namespace === undefined ? { name } : { name, namespace };
  try {
    return await kube.mergePatch<KubeEvent>(kinds.event, ref, {
      series: { count, lastObservedTime: microTime(lastMs) },
      count,
      lastTimestamp: seconds(lastMs),
    });
  } catch (error) {
    // Events are deleted after an hour or so.
    if (isKubeError(error, "NotFound")) return kube.create(kinds.event, eventOf(options, series));
    throw error;
  }
}

function eventOf({ instance, controller = "aviary.dev/controller" }: EventRecorderOptions, series: Series): KubeEvent {
  const { input, count, lastMs } = series;
  const { regarding } = input;
  const time = microTime(lastMs);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace: regarding.metadata.namespace ?? "default", name: nameFor(regarding, lastMs) },
    eventTime: time,
    firstTimestamp: seconds(lastMs),
    lastTimestamp: seconds(lastMs),
    count,
    reportingComponent: controller,
    reportingInstance: instance.slice(0, MAX_NAME),
    source: { component: controller },
    action: (input.action ?? input.reason).slice(0, MAX_NAME),
    reason: input.reason.slice(0, MAX_NAME),
    message: cutBytes(input.note, MAX_NOTE_BYTES),
    type: input.type,
    involvedObject: referenceTo(regarding),
    ...(count > 1 ? { series: { count, lastObservedTime: time } } : {}),
  };
}

/** Names grow with time: `lastTimestamp` has only seconds, and kubectl gets what is listed by name. */
function nameFor({ metadata }: KubeObject, nowMs: number): string {
  const order = nowMs.toString(16).padStart(12, "0");
  return `${metadata.name.slice(0, 225)}.${order}${randomBytes(5).toString("hex")}`;
}

function seconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, "Z");
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
    ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
  };
}

/** Cuts between characters. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= maxBytes) return text;
  const mark = "…";
  const cut = new TextDecoder().decode(bytes.subarray(0, maxBytes - Buffer.byteLength(mark)));
  return cut.replace(/\uFFFD$/, "") + mark;
}

/** A bucket of tokens for each object. */
function createRateLimit(clock: Clock): (key: string) => boolean {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return (key) => {
    const now = clock.now();
    const held = buckets.get(key) ?? { tokens: BURST, atMs: now };
    const tokens = Math.min(BURST, held.tokens + (now - held.atMs) / REFILL_MS);
    buckets.delete(key);
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now });
    forgetOldest(buckets);
    return tokens >= 1;
  };
}

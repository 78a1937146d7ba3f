import { z } from "zod";
import { withRules } from "../api/schema.ts";
import { parseDuration } from "../lib/time.ts";
import {
  connectionFields,
  secretField,
  secretsOfEndpoint,
  secretUse,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { soleOf } from "./http/rows.ts";
import { badQuery, refusedQuery, several, unreachable } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { windowField } from "./http/window.ts";
import type { MetricProviderKind, Reading } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://stream.us1.signalfx.com")
      .default("https://stream.us0.signalfx.com")
      .describe("Address of the stream API of your realm."),
    token: secretField("the token").describe("Access token with the API scope."),
    window: windowField.describe("How far back a program looks; its newest value is the reading."),
    ...connectionFields,
  }),
  tlsNeedsHttps,
).describe("Splunk Observability Cloud (SignalFx). A query is a SignalFlow program that publishes one stream.");

type Block = z.output<typeof schema>;

/**
 * Splunk Observability Cloud, by SignalFlow programs over the window, which end by themselves.
 * Source: Splunk, "SignalFlow API" (POST /v2/signalflow/execute) and "SignalFlow stream messages reference".
 */
export const splunkObservability: MetricProviderKind<Block> = {
  name: "splunkObservability",
  schema,
  secrets: (block) => [...secretsOfEndpoint(block), ...secretUse(block.token.secretRef, { header: "X-SF-TOKEN" })],
  checkQuery: () => undefined,
  windowMs: ({ window }) => parseDuration(window),
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials }),
};

const dataMessage = z.object({ data: z.array(z.object({ tsId: z.string(), value: z.unknown() })) });
const failure = z.object({ message: z.string() });

function apiOf({ window }: Block): HttpApi {
  return {
    product: "Splunk Observability Cloud",
    ask: (program, nowMs) => ({
      method: "POST",
      path: "/v2/signalflow/execute",
      params: [
        ["start", String(nowMs - parseDuration(window))],
        ["stop", String(nowMs)],
        ["immediate", "true"],
      ],
      headers: { "Content-Type": "text/plain", Accept: "text/event-stream" },
      body: program,
    }),
    read: ({ text }, endpoint) => readStream(eventsOf(text), endpoint),
    explain({ status, json }) {
      const parsed = failure.safeParse(json);
      return { detail: parsed.success ? parsed.data.message : "", blamesQuery: status === 400 && parsed.success };
    },
  };
}

interface StreamEvent {
  readonly name: string;
  readonly data: unknown;
}

/** Source: WHATWG HTML, "Server-sent events". */
function eventsOf(text: string): readonly StreamEvent[] {
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const fields = block.split(/\r?\n/).map((line) => /^(event|data):\s?(.*)$/.exec(line));
    const of = (field: string) => fields.flatMap((found) => (found?.[1] === field ? [found[2] ?? ""] : []));
    const [name] = of("event");
    if (name === undefined) return [];
    try {
      return [{ name, data: JSON.parse(of("data").join("\n")) as unknown }];
    } catch {
      return [];
    }
  });
}

/** The value at the newest time at which there is one. Undefined when these are no messages of SignalFlow. */
function readStream(events: readonly StreamEvent[], endpoint: string): Reading | undefined {
  if (events.length === 0) return undefined;
  const wrong = faultOf(events, endpoint);
  if (wrong !== undefined) return wrong;
  const messages = events.flatMap(({ name, data }) => {
    const parsed = name === "data" ? dataMessage.safeParse(data) : undefined;
    return parsed?.success === true ? [parsed.data.data.filter(({ value }) => value !== null)] : [];
  });
  const streams = new Set(messages.flat().map(({ tsId }) => tsId));
  if (streams.size > 1) return several(streams.size, "series", "aggregate it, for instance by .sum()");
  return soleOf([messages.flat().at(-1)?.value], "values", "");
}

const control = z.object({ event: z.string(), abortInfo: z.unknown().optional() });
const information = z.object({ message: z.object({ messageCode: z.string() }) });

/** Why the values of a stream are not to be read. */
function faultOf(events: readonly StreamEvent[], endpoint: string): Reading | undefined {
  const of = (wanted: string) => events.flatMap(({ name, data }) => (name === wanted ? [data] : []));
  const [refused] = of("error");
  if (refused !== undefined) {
    const parsed = failure.safeParse(refused);
    return refusedQuery(endpoint, parsed.success ? parsed.data.message : JSON.stringify(refused));
  }
  const controls = of("control-message").flatMap((data) => control.safeParse(data).data ?? []);
  const aborted = controls.find(({ event }) => event === "CHANNEL_ABORT");
  if (aborted !== undefined) {
    return unreachable(endpoint, `ended the computation: ${JSON.stringify(aborted.abortInfo ?? {})}`);
  }
  if (!controls.some(({ event }) => event === "END_OF_CHANNEL")) {
    return unreachable(endpoint, "broke the answer off before its end");
  }
  const isLimited = of("message").some((data) => {
    return information.safeParse(data).data?.message.messageCode === "FIND_LIMITED_RESULT_SET";
  });
  return isLimited
    ? badQuery("the program matches more time series than are looked at: narrow it by filters")
    : undefined;
}

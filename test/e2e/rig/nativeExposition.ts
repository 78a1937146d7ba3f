import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A native histogram as an application keeps it. */
export interface Observed {
  readonly labels: Readonly<Record<string, string>>;
  /** Resolution: the bounds of buckets are a factor of 2^(2^-schema) apart. */
  readonly schema: number;
  /** How often each duration, in seconds, was observed since the start. */
  readonly observed: readonly (readonly [seconds: number, times: number])[];
}

/** An application whose histogram has no other form than the native one. */
export interface NativeExposition {
  /** `host:port` of its metrics, at any path. */
  readonly address: string;
  expose(histograms: readonly Observed[]): void;
  stop(): Promise<void>;
}

/** Speaks the one format that can hold native histograms. Source: client_model, `io/prometheus/client/metrics.proto`. */
export async function startNativeExposition(metric: string): Promise<NativeExposition> {
  let exposed: readonly Observed[] = [];
  const server = createServer((_request, response) => {
    const type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    response.setHeader("content-type", type);
    response.end(exposed.length === 0 ? Buffer.alloc(0) : family(metric, exposed));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    expose: (histograms) => {
      exposed = histograms;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

const HISTOGRAM = 4;

function family(name: string, metrics: readonly Observed[]): Buffer {
  const body = Buffer.concat([
    block(1, Buffer.from(name)),
    whole(3, HISTOGRAM),
    ...metrics.map((one) => block(4, metric(one))),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function metric({ labels, schema, observed }: Observed): Buffer {
  const pairs = Object.entries(labels).map(([name, value]) =>
    block(1, Buffer.concat([block(1, Buffer.from(name)), block(2, Buffer.from(value))])),
  );
  return Buffer.concat([...pairs, block(7, histogram(schema, observed))]);
}

function histogram(schema: number, observed: Observed["observed"]): Buffer {
  const byBucket = new Map<number, number>();
  for (const [seconds, times] of observed) {
    const index = Math.ceil(Math.log2(seconds) * 2 ** schema);
    byBucket.set(index, (byBucket.get(index) ?? 0) + times);
  }
  const buckets = [...byBucket].sort(([a], [b]) => a - b);
  const count = observed.reduce((sum, [, times]) => sum + times, 0);
  const sum = observed.reduce((total, [seconds, times]) => total + seconds * times, 0);
  // One span for each bucket; its offset counts from the end of the span before. Counts are told as differences.
  const spans = buckets.map(([index], at) => {
    const before = buckets[at - 1];
    return block(12, Buffer.concat([signed(1, before === undefined ? index : index - before[0] - 1), whole(2, 1)]));
  });
  const deltas = buckets.map(([, times], at) => signed(13, times - (buckets[at - 1]?.[1] ?? 0)));
  return Buffer.concat([
    whole(1, count),
    double(2, sum),
    signed(5, schema),
    double(6, 1e-9),
    whole(7, 0),
    ...spans,
    ...deltas,
  ]);
}

// What follows is the wire format of protocol buffers.

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function tag(field: number, type: 0 | 1 | 2): Buffer {
  return varint(field * 8 + type);
}

function whole(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

function signed(field: number, value: number): Buffer {
  return whole(field, value < 0 ? -2 * value - 1 : 2 * value);
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, 1), bytes]);
}

function block(field: number, content: Buffer): Buffer {
  return Buffer.concat([tag(field, 2), varint(content.length), content]);
}

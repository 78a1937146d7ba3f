import { labelsKey, type Labels } from "../../../src/sandbox/prometheus/labels.ts";
import { EPOCH_MS, type Written, type WrittenSeries } from "./samples.ts";

/** Prometheus's special NaN that ends a series; JavaScript's own NaN would lose its payload. */
const STALE_BITS = 0x7ff0000000000002n;

/** Samples as a remote-write request: protobuf in a snappy block that only has literals. */
export function remoteWriteBody(written: readonly WrittenSeries[]): Buffer {
  return snappyLiterals(Buffer.concat(written.map((one) => field(1, encodeSeries(one)))));
}

function encodeSeries({ labels, samples }: WrittenSeries): Buffer {
  return Buffer.concat([
    ...sortedLabels(labels).map((label) => field(1, label)),
    ...samples.map((s) => field(2, encodeSample(s))),
  ]);
}

function sortedLabels(labels: Labels): Buffer[] {
  if (labelsKey(labels) === "") return [];
  return Object.keys(labels)
    .sort()
    .map((name) => Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(labels[name] ?? ""))]));
}

function encodeSample([second, value]: Written): Buffer {
  const bits = Buffer.alloc(8);
  if (value === "stale") bits.writeBigUInt64LE(STALE_BITS);
  else bits.writeDoubleLE(value);
  return Buffer.concat([Buffer.from([(1 << 3) | 1]), bits, Buffer.from([2 << 3]), varint(EPOCH_MS + second * 1000)]);
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function snappyLiterals(content: Buffer): Buffer {
  const parts = [varint(content.length)];
  for (let at = 0; at < content.length; at += 65_536) {
    const chunk = content.subarray(at, at + 65_536);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(chunk.length - 1);
    parts.push(Buffer.from([61 << 2]), length, chunk);
  }
  return Buffer.concat(parts);
}

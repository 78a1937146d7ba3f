import { beforeEach, expect, test } from "vitest";
import { createEventRecorder } from "../../src/kube/events.ts";
import type { EventInput, EventRecorder } from "../../src/kube/events.ts";
import type { KubeEvent } from "../../src/kube/objects.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { createFakeKube } from "./fakeKube.ts";
import type { FakeKube } from "./fakeKube.ts";

const canary = {
  apiVersion: "aviary.dev/v1beta1",
  kind: "Canary",
  metadata: { namespace: "shop", name: "podinfo", uid: "u1", resourceVersion: "7" },
};
const told = (note: string, more: Partial<EventInput> = {}): EventInput => ({
  regarding: canary,
  type: "Normal",
  reason: "WeightChanged",
  note,
  ...more,
});

let clock: VirtualClock;
let fake: FakeKube;
let recorder: EventRecorder;
beforeEach(() => {
  clock = createVirtualClock();
  fake = createFakeKube();
  recorder = createEventRecorder({ kube: fake.kube, clock, instance: "aviary-0" });
});

const events = (): KubeEvent[] => [...fake.objects.values()] as KubeEvent[];

test("an event names its object, who tells it, what and why", async () => {
  recorder.record(told("5 % of the requests go to the canary", { action: "SetWeight" }));
  await recorder.flush();
  expect(events()).toMatchObject([
    {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace: "shop" },
      eventTime: "2026-01-01T00:00:00.000000Z",
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      count: 1,
      type: "Normal",
      reason: "WeightChanged",
      action: "SetWeight",
      message: "5 % of the requests go to the canary",
      reportingComponent: "aviary.dev/controller",
      reportingInstance: "aviary-0",
      involvedObject: {
        apiVersion: "aviary.dev/v1beta1",
        kind: "Canary",
        namespace: "shop",
        name: "podinfo",
        uid: "u1",
      },
    },
  ]);
  expect(events()[0]?.series).toBeUndefined();
});

test("the same thing within ten minutes is counted, not repeated", async () => {
  for (let minute = 0; minute < 3; minute++) {
    recorder.record(told("no answer from Prometheus", { type: "Warning", reason: "Unreachable" }));
    await recorder.flush();
    await clock.advance(60_000);
  }
  expect(events()).toMatchObject([
    {
      series: { count: 3, lastObservedTime: "2026-01-01T00:02:00.000000Z" },
      count: 3,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:02:00Z",
    },
  ]);
});

test("the same thing after ten minutes of silence is a new event", async () => {
  recorder.record(told("a"));
  await recorder.flush();
  await clock.advance(600_000);
  recorder.record(told("a"));
  await recorder.flush();
  expect(events()).toHaveLength(2);
});

test.for<{ name: string; other: EventInput }>([
  { name: "note", other: told("b") },
  { name: "reason", other: told("a", { reason: "Paused" }) },
  { name: "type", other: told("a", { type: "Warning" }) },
  { name: "object", other: told("a", { regarding: { ...canary, metadata: { ...canary.metadata, uid: "u2" } } }) },
])("another $name is another event", async ({ other }) => {
  recorder.record(told("a"));
  recorder.record(other);
  await recorder.flush();
  expect(events()).toHaveLength(2);
});

test("repeats that come together are one write", async () => {
  for (let times = 0; times < 50; times++) recorder.record(told("a"));
  await recorder.flush();
  expect(fake.writes).toHaveLength(1);
  expect(events()).toMatchObject([{ series: { count: 50 } }]);
});

test("one object in trouble cannot flood the API server", async () => {
  for (let index = 0; index < 500; index++) recorder.record(told(`note ${index}`));
  await recorder.flush();
  expect(events()).toHaveLength(25);
  expect(recorder.dropped()).toBe(475);
  await clock.advance(60_000);
  recorder.record(told("later"));
  await recorder.flush();
  expect(events()).toHaveLength(26);
});

test("an event that has expired on the server is made anew", async () => {
  recorder.record(told("a"));
  await recorder.flush();
  (fake.kube as unknown as { forget(): void }).forget();
  recorder.record(told("a"));
  await recorder.flush();
  expect(events()).toMatchObject([{ series: { count: 2 } }]);
});

test("a failing API server costs the event and nothing else", async () => {
  fake.mode = "fail";
  recorder.record(told("a"));
  await recorder.flush();
  expect(recorder.dropped()).toBe(1);
  fake.mode = "work";
  recorder.record(told("a"));
  await recorder.flush();
  expect(events()).toHaveLength(1);
});

test("a long note is cut at 1024 bytes, between characters", async () => {
  recorder.record(told("ä".repeat(2_000)));
  await recorder.flush();
  const note = events()[0]?.message ?? "";
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
  expect(note).toMatch(/^ä+…$/);
});

test("an event about an object without a namespace goes to default", async () => {
  recorder.record(told("a", { regarding: { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } } }));
  await recorder.flush();
  expect(events()).toMatchObject([{ metadata: { namespace: "default" }, involvedObject: { name: "shop" } }]);
});

test("events come a second later, one at a time, and in time when many wait", async () => {
  for (let index = 0; index < 20; index++) recorder.record(told(`first ${index}`));
  await clock.advance(900);
  expect(events()).toHaveLength(0);
  await clock.advance(1_000);
  expect(events().length).toBeGreaterThan(5);
  expect(events().length).toBeLessThan(12);
  for (let index = 0; index < 400; index++) {
    recorder.record(
      told("burst", { regarding: { ...canary, metadata: { ...canary.metadata, uid: `many-${index}` } } }),
    );
  }
  await clock.advance(120_000);
  expect(events()).toHaveLength(420);
});

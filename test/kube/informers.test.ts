import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import type { KubeErrorReason } from "../../src/kube/errors.ts";
import type { CacheChange, Informers } from "../../src/kube/informer.ts";
import { createInformers } from "../../src/kube/informers.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject, WatchEvent } from "../../src/kube/port.ts";
import { silentLog } from "../../src/lib/log.ts";
import { createVirtualClock, settle } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { createScriptedKube } from "./scriptedKube.ts";
import type { ScriptedKube } from "./scriptedKube.ts";

const kind = kinds.service;

function object(name: string, resourceVersion: number, namespace = "shop"): KubeObject {
  const managedFields = [{ manager: "kubectl" }];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name, uid: `uid of ${name}`, resourceVersion: String(resourceVersion), managedFields },
  };
}

type ObjectEvent = "ADDED" | "MODIFIED" | "DELETED";
const eventOf =
  (type: ObjectEvent) =>
  (name: string, version: number): WatchEvent<KubeObject> => ({ type, object: object(name, version) });
const [added, modified, deleted] = [eventOf("ADDED"), eventOf("MODIFIED"), eventOf("DELETED")];
const bookmark = (version: number): WatchEvent<KubeObject> => ({ type: "BOOKMARK", resourceVersion: String(version) });

const failure = (reason: KubeErrorReason, retryAfterMs?: number): KubeError =>
  new KubeError({ reason, status: 0, message: reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

let clock: VirtualClock;
let script: ScriptedKube;
let informers: Informers;
let changes: string[];

/** `name: before → after`, by resourceVersion. */
function describeChange({ before, after }: CacheChange<KubeObject>): string {
  const name = (after ?? before)?.metadata.name ?? "?";
  return `${name}: ${before?.metadata.resourceVersion ?? "–"} → ${after?.metadata.resourceVersion ?? "–"}`;
}

beforeEach(() => {
  clock = createVirtualClock();
  script = createScriptedKube();
  informers = createInformers(script.kube, clock, { random: () => 0.5 });
  changes = [];
});
afterEach(async () => {
  await informers.stop();
  expect(clock.pending()).toBe(0);
});

const start = async (...listed: readonly KubeObject[]): Promise<void> => {
  script.lists({ items: listed, resourceVersion: "10" });
  informers.onChange(kind, (change) => changes.push(describeChange(change)));
  await informers.ready();
  await settle();
  changes.length = 0;
};

describe("a cache", () => {
  test("is synced after the first list and holds what was listed", async () => {
    const cache = informers.cache(kind);
    expect(cache.state).toBe("starting");
    await start(object("a", 1), object("b", 2));
    expect(cache.state).toBe("synced");
    expect(cache.get("shop/a")).toMatchObject({ metadata: { name: "a" } });
  });

  test("lists by namespace, and knows nothing of a namespace whose last object is gone", async () => {
    await start(object("a", 1, "shop"), object("b", 2, "bank"));
    const cache = informers.cache(kind);
    const names = (namespace?: string): string[] => cache.list(namespace).map(({ metadata }) => metadata.name);
    expect([names(), names("bank"), names("none")]).toEqual([["a", "b"], ["b"], []]);
    script.watch().send({ type: "DELETED", object: object("b", 11, "bank") });
    await settle();
    expect([names(), names("bank")]).toEqual([["a"], []]);
  });

  test("drops managedFields, unless told what to keep", async () => {
    const keep = (kept: KubeObject): KubeObject => ({
      ...kept,
      metadata: { ...kept.metadata, labels: { kept: "yes" } },
    });
    const reduced = informers.cache(kinds.deployment, { keep });
    const plain = informers.cache(kind);
    await start(object("a", 1));
    expect(plain.get("shop/a")?.metadata).not.toHaveProperty("managedFields");
    expect(reduced.get("shop/a")?.metadata).toMatchObject({ labels: { kept: "yes" } });
  });

  test("asked for twice is one cache with one watch", async () => {
    expect(informers.cache(kind)).toBe(informers.cache(kind));
    await start();
    expect(script.watches).toHaveLength(1);
  });

  test("tells how long it has not heard of the server", async () => {
    await start();
    await clock.advance(7_000);
    expect(informers.cache(kind).lastContactAgeMs()).toBe(7_000);
    script.watch().send(bookmark(12));
    await settle();
    expect(informers.cache(kind).lastContactAgeMs()).toBe(0);
  });
});

describe("a listener", () => {
  test("hears of every change after it is visible in the cache", async () => {
    await start(object("a", 1));
    const seen: (string | undefined)[] = [];
    informers.onChange(kind, () => seen.push(informers.cache(kind).get("shop/a")?.metadata.resourceVersion));
    script.watch().send(added("b", 11), modified("a", 12), deleted("a", 13));
    await settle();
    expect(changes).toEqual(["b: – → 11", "a: 1 → 12", "a: 12 → –"]);
    expect(seen).toEqual(["1", "12", undefined]);
  });

  test("hears nothing when the version is the one that is held", async () => {
    await start(object("a", 1));
    script.watch().send(modified("a", 1));
    await settle();
    expect(changes).toEqual([]);
  });

  test("that throws is logged and disturbs neither the others nor the watch", async () => {
    const lines: string[] = [];
    const log = { ...silentLog, error: (_: object, message: string) => lines.push(message) };
    const own = createInformers(script.kube, clock, { log });
    own.onChange(kind, () => {
      throw new Error("listener is broken");
    });
    own.onChange(kind, (change) => changes.push(describeChange(change)));
    await own.ready();
    await settle();
    script.watch().send(added("a", 11), added("b", 12));
    await settle();
    expect(changes).toEqual(["a: – → 11", "b: – → 12"]);
    expect(lines).toEqual(["a listener of changes threw", "a listener of changes threw"]);
    await own.stop();
  });

  test("hears nothing after stop", async () => {
    await start();
    const watch = script.watch();
    const stopped = informers.stop();
    watch.send(added("a", 11));
    await stopped;
    expect(changes).toEqual([]);
    expect(watch.open()).toBe(false);
  });
});

describe("a watch that ends", () => {
  test.for<{ name: string; finish: () => void }>([
    { name: "cleanly", finish: () => script.watch().end() },
    { name: "by a reset", finish: () => script.watch().fail(failure("Unavailable")) },
    { name: "with 429", finish: () => script.watch().fail(failure("TooManyRequests")) },
  ])("$name is opened again at the last version, without a list", async ({ finish }) => {
    await start();
    script.watch().send(added("a", 11), bookmark(20));
    await settle();
    finish();
    await clock.advance(1_000);
    expect(script.watches.map(({ options }) => options.resourceVersion)).toEqual(["10", "20"]);
    expect(script.listCalls()).toBe(1);
  });

  test("cleanly after an event is opened again at once", async () => {
    await start();
    script.watch().send(added("a", 11));
    script.watch().end();
    await settle();
    expect(script.watches).toHaveLength(2);
  });

  test("empty and at once, again and again, is opened ever more slowly", async () => {
    await start();
    for (let second = 0; second < 600; second++) {
      if (script.watch().open()) script.watch().end();
      await clock.advance(100);
    }
    expect(script.watches.length).toBeLessThan(10);
  });

  test("is opened again no later than 30 s after, however often it failed", async () => {
    await start();
    for (let attempt = 0; attempt < 12; attempt++) {
      const before = script.watches.length;
      script.watch().fail(failure("Unavailable"));
      await clock.advance(30_000);
      expect(script.watches.length).toBe(before + 1);
    }
  });

  test("with a wish to wait is not opened before that", async () => {
    await start();
    script.watch().fail(failure("TooManyRequests", 20_000));
    await clock.advance(19_999);
    expect(script.watches).toHaveLength(1);
    await clock.advance(1);
    expect(script.watches).toHaveLength(2);
  });

  test("asks the server for an end within 5 to 10 minutes", async () => {
    await start();
    const seconds = script.watch().options.timeoutSeconds ?? 0;
    expect(seconds).toBeGreaterThanOrEqual(300);
    expect(seconds).toBeLessThanOrEqual(600);
  });
});

describe("a watch that is too old", () => {
  test("is listed again at once, and listeners hear exactly what they missed", async () => {
    await start(object("same", 1), object("changed", 2), object("gone", 3));
    script.lists({ items: [object("same", 1), object("changed", 15), object("new", 16)], resourceVersion: "30" });
    script.watch().fail(failure("Gone"));
    await settle();
    expect(changes.toSorted()).toEqual(["changed: 2 → 15", "gone: 3 → –", "new: – → 16"]);
    expect(script.watch().options.resourceVersion).toBe("30");
  });

  test("told apart is an object that was deleted and made again under its name", async () => {
    await start(object("a", 1));
    const successor = { ...object("a", 1), metadata: { ...object("a", 1).metadata, uid: "another" } };
    script.lists({ items: [successor], resourceVersion: "30" });
    script.watch().fail(failure("Gone"));
    await settle();
    expect(changes).toEqual(["a: 1 → 1"]);
  });

  test("again and again is not listed in a tight loop", async () => {
    await start();
    for (let step = 0; step < 300; step++) {
      if (script.watch().open()) script.watch().fail(failure("Gone"));
      await clock.advance(100);
    }
    expect(script.listCalls()).toBeLessThan(10);
  });
});

describe("a list that fails", () => {
  test.for<KubeErrorReason>(["Unavailable", "TooManyRequests", "Forbidden", "Gone"])(
    "with %s is tried again",
    async (reason) => {
      script.lists(failure(reason), { items: [object("a", 1)], resourceVersion: "10" });
      const cache = informers.cache(kind);
      await clock.advance(2_000);
      expect(cache.state).toBe("synced");
    },
  );
});

describe("a kind that is not served", () => {
  test("is absent, which counts as ready, and synced when it appears", async () => {
    script.lists(failure("NotFound"));
    const cache = informers.cache(kind);
    await informers.ready();
    expect(cache.state).toBe("absent");
    script.lists({ items: [object("a", 1)], resourceVersion: "10" });
    await clock.advance(30_000);
    expect(cache.state).toBe("synced");
    expect(cache.list()).toHaveLength(1);
  });

  test("any longer is absent, and its objects are gone", async () => {
    await start(object("a", 1));
    script.watch().fail(failure("NotFound"));
    script.lists(failure("NotFound"));
    await settle();
    expect(informers.cache(kind).state).toBe("absent");
    expect(changes).toEqual(["a: 1 → –"]);
  });
});

describe("ready", () => {
  test("ends with an AbortError when its signal comes first", async () => {
    script.lists(failure("Unavailable"));
    informers.cache(kind);
    const abort = new AbortController();
    const ready = informers.ready(abort.signal);
    abort.abort();
    await expect(ready).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("stop during a back-off ends it, and nothing is opened any more", async () => {
  await start();
  script.watch().fail(failure("Unavailable"));
  await settle();
  await informers.stop();
  await clock.advance(60_000);
  expect(script.watches).toHaveLength(1);
});

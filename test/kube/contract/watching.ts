import { expect, test } from "vitest";
import type { Ingress } from "../../../src/kube/objects.ts";
import type { WatchEvent, WatchOptions } from "../../../src/kube/port.ts";
import { kind, make, versionOf } from "./setting.ts";
import type { SetUp, Setting } from "./setting.ts";

export function watching(setUp: SetUp): void {
  test("watches everything that happened since a list", async () => {
    const setting = await setUp();
    const { kube, namespace } = setting;
    await make(setting, ["old"]);
    const { resourceVersion } = await kube.list(kind, { namespace });
    const seen = collect(setting, { resourceVersion }, 3);
    await make(setting, ["web"]);
    await kube.mergePatch(kind, { namespace, name: "web" }, { metadata: { labels: { a: "b" } } });
    await kube.delete(kind, { namespace, name: "web" });
    expect(objectsOf(await seen)).toEqual([
      ["ADDED", "web"],
      ["MODIFIED", "web"],
      ["DELETED", "web"],
    ]);
  });

  test("resumes from the version of any event, without a gap and without a repeat", async () => {
    const setting = await setUp();
    const { resourceVersion } = await setting.kube.list(kind, { namespace: setting.namespace });
    const [, second] = await make(setting, ["a", "b", "c"]);
    const all = await collect(setting, { resourceVersion }, 3);
    expect(objectsOf(all).map(([, name]) => name)).toEqual(["a", "b", "c"]);
    const rest = await collect(setting, { resourceVersion: versionOf(second ?? expect.fail("not made")) }, 1);
    expect(objectsOf(rest)).toEqual([["ADDED", "c"]]);
  });

  test("a deleted object comes with a version from which a watch resumes after it", async () => {
    const setting = await setUp();
    const { kube, namespace } = setting;
    const { resourceVersion } = await kube.list(kind, { namespace });
    await make(setting, ["a"]);
    await kube.delete(kind, { namespace, name: "a" });
    const last = (await collect(setting, { resourceVersion }, 2)).filter(({ type }) => type !== "BOOKMARK").at(-1);
    if (last?.type !== "DELETED") return expect.fail("the deletion was not seen");
    await make(setting, ["b"]);
    expect(objectsOf(await collect(setting, { resourceVersion: versionOf(last.object) }, 1))).toEqual([["ADDED", "b"]]);
  });

  test("an object that a selector no longer matches is deleted for that watch, one that it matches anew is added", async () => {
    const setting = await setUp();
    const { kube, namespace } = setting;
    const { resourceVersion } = await kube.list(kind, { namespace });
    await make(setting, ["other"]);
    await make(setting, ["web"], { tier: "front" });
    const ref = { namespace, name: "web" };
    await kube.mergePatch(kind, ref, { metadata: { labels: { tier: "back" } } });
    await kube.mergePatch(kind, ref, { metadata: { labels: { tier: "front" } } });
    const events = await collect(setting, { resourceVersion, labelSelector: "tier=front" }, 3);
    expect(objectsOf(events)).toEqual([
      ["ADDED", "web"],
      ["DELETED", "web"],
      ["ADDED", "web"],
    ]);
  });

  test("watches one object by its name", async () => {
    const setting = await setUp();
    const { resourceVersion } = await setting.kube.list(kind, { namespace: setting.namespace });
    await make(setting, ["a", "b"]);
    const events = await collect(setting, { resourceVersion, fieldSelector: "metadata.name=b" }, 1);
    expect(objectsOf(events)).toEqual([["ADDED", "b"]]);
  });

  test("a watch ends cleanly after its time, with a bookmark on the way", async () => {
    const setting = await setUp();
    const elsewhere = await setUp();
    const { resourceVersion } = await setting.kube.list(kind, { namespace: setting.namespace });
    const watching = collect(setting, { resourceVersion, timeoutSeconds: setting.harness.bookmarkSeconds });
    // Of a kind that does not change at all a real server sends no bookmark.
    await make(elsewhere, ["unseen"]);
    const events = await watching;
    const mark = events.at(-1);
    if (mark?.type !== "BOOKMARK") return expect.fail("no bookmark came");
    await make(setting, ["after"]);
    expect(objectsOf(events)).toEqual([]);
    expect(objectsOf(await collect(setting, { resourceVersion: mark.resourceVersion }, 1))).toEqual([
      ["ADDED", "after"],
    ]);
  });

  test("a watch from a version that is too old is Gone", async () => {
    const setting = await setUp();
    const resourceVersion = await setting.harness.expiredVersion();
    await expect(collect(setting, { resourceVersion })).rejects.toMatchObject({ reason: "Gone", status: 410 });
  });

  test("a watch ends with an AbortError when its signal is aborted", async () => {
    const setting = await setUp();
    const { resourceVersion } = await setting.kube.list(kind, { namespace: setting.namespace });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const events = collect(setting, { resourceVersion, signal: abort.signal });
    await expect(events).rejects.toMatchObject({ name: "AbortError" });
  });
}

/** Reads `count` events that are no bookmarks, or all until the watch ends. */
async function collect(
  setting: Setting,
  options: Partial<WatchOptions>,
  count = Infinity,
): Promise<WatchEvent<Ingress>[]> {
  const events: WatchEvent<Ingress>[] = [];
  const { namespace } = setting;
  const watch = setting.kube.watch<Ingress>(kind, { namespace, resourceVersion: "", timeoutSeconds: 10, ...options });
  if (count === 0) return events;
  for await (const event of watch) {
    events.push(event);
    if (events.filter(({ type }) => type !== "BOOKMARK").length >= count) break;
  }
  return events;
}

const objectsOf = (events: readonly WatchEvent<Ingress>[]): (readonly [string, string])[] =>
  events.flatMap((event) => (event.type === "BOOKMARK" ? [] : [[event.type, event.object.metadata.name] as const]));

import { describe, expect, it } from "vitest";
import { nameOf } from "../../../src/sandbox/apiserver/json.ts";
import type { WatchEvent } from "../../../src/sandbox/apiserver/watch.ts";
import { bird, inShop, refusal, testApi } from "./birds.ts";

function flock(count = 5) {
  const api = testApi();
  for (let index = 0; index < count; index += 1) {
    const labels = { side: index % 2 === 0 ? "left" : "right", ...(index === 0 ? { first: "yes" } : {}) };
    api.server.create(api.birds, "shop", bird({ color: "red" }, { name: `b${index}`, labels }));
  }
  return api;
}

describe("a list", () => {
  it.each([
    ["side=left", ["b0", "b2", "b4"]],
    ["side!=left", ["b1", "b3"]],
    ["side in (left, up),first", ["b0"]],
    ["!first,side notin (right)", ["b2", "b4"]],
    ["nothing=here", []],
  ])("keeps what the label selector %s matches", (labelSelector, names) => {
    const { server, birds } = flock();
    expect(server.list(birds, { labelSelector }).items.map(nameOf)).toEqual(names);
  });

  it("knows metadata in field selectors, and refuses unknown fields", () => {
    const { server, birds } = flock();
    expect(server.list(birds, { fieldSelector: "metadata.name=b3" }).items.map(nameOf)).toEqual(["b3"]);
    expect(server.list(birds, { fieldSelector: "metadata.namespace!=shop" }).items).toEqual([]);
    expect(refusal(() => server.list(birds, { fieldSelector: "spec.color=red" })).message).toContain(
      "field label not supported: spec.color",
    );
  });

  it("comes in pages that miss nothing and keep the first page's resourceVersion", () => {
    const { server, birds } = flock();
    const names: string[] = [];
    let next = "";
    const versions = new Set<string>();
    do {
      const page = server.list(birds, { namespace: "shop", limit: 2, continue: next });
      names.push(...page.items.map(nameOf));
      versions.add(page.resourceVersion);
      next = page.continue;
      if (names.length === 2) server.delete(birds, inShop("b0"));
    } while (next !== "");
    expect(names).toEqual(["b0", "b1", "b2", "b3", "b4"]);
    expect(versions.size).toBe(1);
  });
});

describe("a watch", () => {
  const seen = (events: readonly WatchEvent[]) => events.map(({ type, object }) => `${type} ${nameOf(object)}`);

  it("starts after the given version and follows", () => {
    const { server, birds } = flock(1);
    const { resourceVersion } = server.list(birds);
    server.create(birds, "shop", bird({ color: "red" }, { name: "past" }));
    const events: WatchEvent[] = [];
    const handle = server.watch(birds, { namespace: "shop", resourceVersion }, (event) => events.push(event));
    server.delete(birds, inShop("past"));
    handle.stop();
    server.delete(birds, inShop("b0"));
    expect(seen(events)).toEqual(["ADDED past", "DELETED past"]);
  });

  it("tells of objects that start and stop matching its selector", () => {
    const { server, birds } = flock(1);
    const events: WatchEvent[] = [];
    const query = { resourceVersion: server.list(birds).resourceVersion, labelSelector: "side=right" };
    server.watch(birds, query, (event) => events.push(event));
    const turn = (side: string) =>
      server.patch(birds, inShop("b0"), { type: "merge", body: { metadata: { labels: { side } } } }).object;
    turn("right");
    server.patch(birds, inShop("b0"), { type: "merge", body: { spec: { color: "green" } } });
    const last = turn("left");
    expect(seen(events)).toEqual(["ADDED b0", "MODIFIED b0", "DELETED b0"]);
    const versions = [events.at(-1)?.object, last].map(
      (object) => (object?.["metadata"] as Record<string, unknown>)["resourceVersion"],
    );
    expect(versions[0]).toBe(versions[1]);
  });

  it("begins with everything when no version is given", () => {
    const { server, birds } = flock(2);
    const events: WatchEvent[] = [];
    const handle = server.watch(birds, { sendInitialEvents: true }, (event) => events.push(event));
    expect(seen(events)).toEqual(["ADDED b0", "ADDED b1", "BOOKMARK "]);
    expect(handle.bookmark().object).toMatchObject({ metadata: { resourceVersion: String(server.store.version()) } });
  });

  it("is answered 410 when the version is older than the history", () => {
    const { server, birds } = flock(1);
    const { resourceVersion } = server.list(birds);
    server.create(birds, "shop", bird({ color: "red" }, { name: "late" }));
    server.store.compact();
    const error = refusal(() => server.watch(birds, { resourceVersion }, () => undefined));
    expect([error.code, error.init.reason]).toEqual([410, "Expired"]);
  });

  it("keeps a bounded history", () => {
    const { server, birds } = testApi({ historySize: 10 });
    const { resourceVersion } = server.list(birds);
    for (let index = 0; index < 30; index += 1)
      server.create(birds, "shop", bird({ color: "red" }, { name: `b${index}` }));
    expect(refusal(() => server.watch(birds, { resourceVersion }, () => undefined)).code).toBe(410);
  });

  it("sees writes of a listener in their order", () => {
    const { server, birds } = testApi();
    const events: WatchEvent[] = [];
    const version = server.list(birds).resourceVersion;
    server.watch(birds, { resourceVersion: version }, ({ type, object }) => {
      if (type === "ADDED" && nameOf(object) === "tit") server.delete(birds, inShop("tit"));
    });
    server.watch(birds, { resourceVersion: version }, (event) => events.push(event));
    server.create(birds, "shop", bird({ color: "red" }));
    expect(seen(events)).toEqual(["ADDED tit", "DELETED tit"]);
  });
});

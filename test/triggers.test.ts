import { describe, expect, it } from "vitest";
import type { CacheChange, Informers } from "../src/kube/informer.ts";
import { kinds } from "../src/kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../src/kube/port.ts";
import type { Queue } from "../src/kube/queue.ts";
import { watchEverything } from "../src/triggers.ts";
import { aCanary, manifest } from "./lives/manifests.ts";

/** Caches that hold nothing, and tell what the test says. */
function scriptedInformers() {
  const listeners = new Map<ResourceKind, ((change: CacheChange<KubeObject>) => void)[]>();
  const cache = (kind: ResourceKind) => ({ kind, state: "synced", get: () => undefined, list: () => [] });
  const informers = {
    cache,
    onChange: (kind: ResourceKind, listener: (change: CacheChange<KubeObject>) => void) => {
      listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
    },
  } as unknown as Informers;
  const tell = (kind: ResourceKind, before: KubeObject | undefined, after: KubeObject | undefined): void => {
    for (const listener of listeners.get(kind) ?? []) listener({ before, after });
  };
  return { informers, tell };
}

function canaryOf(target: string, uid: string): KubeObject {
  const canary = aCanary({ targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: target } }, "c");
  return { ...canary, metadata: { ...canary.metadata, uid, generation: 1 } };
}

describe("a change of an object", () => {
  it.each([
    { what: "the Canary that names it", changes: [["web", "u1"]], changed: "web", wakes: true },
    { what: "nobody who does not", changes: [["web", "u1"]], changed: "shop", wakes: false },
    {
      what: "a Canary that was deleted and created again while nobody watched, by what it names now",
      changes: [
        ["web", "u1"],
        ["shop", "u2"],
      ],
      changed: "shop",
      wakes: true,
    },
    {
      what: "and no longer by what its predecessor named",
      changes: [
        ["web", "u1"],
        ["shop", "u2"],
      ],
      changed: "web",
      wakes: false,
    },
  ] as const)("wakes $what", ({ changes, changed, wakes }) => {
    const { informers, tell } = scriptedInformers();
    const woken: string[] = [];
    const queue = { add: (key: string) => woken.push(key) } as unknown as Queue;
    watchEverything({ informers, queue, configuration: { kinds: [], referrers: () => [] } });
    let before: KubeObject | undefined;
    for (const [target, uid] of changes) {
      const after = canaryOf(target, uid);
      tell(kinds.canary, before, after);
      before = after;
    }
    woken.length = 0;
    tell(kinds.deployment, undefined, manifest("apps/v1", "Deployment", changed));
    expect(woken).toEqual(wakes ? ["shop/c"] : []);
  });
});

import { describe, expect, it } from "vitest";
import { isKubeError, KubeError } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import type { KubeCall, MemoryKubeOptions } from "../../src/sandbox/memoryKube.ts";

interface ConfigLike extends KubeObject {
  readonly spec: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
}

const lease = (name: string, spec: ConfigLike["spec"] = {}): ConfigLike => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name, namespace: "shop" },
  spec,
});
const ref = (name: string) => ({ namespace: "shop", name });
const memory = (options: MemoryKubeOptions = {}) => createMemoryKube({ namespaces: ["shop"], ...options });

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof KubeError ? `${error.reason} ${error.status}` : String(error);
}

describe("the in-memory port", () => {
  it("creates, reads, lists, patches, replaces, applies and deletes", async () => {
    const kube = memory();
    const made = await kube.create(kinds.lease, lease("a", { holderIdentity: "x" }));
    expect(await kube.get(kinds.lease, ref("a"))).toEqual(made);
    const replaced = await kube.replace<ConfigLike>(kinds.lease, { ...made, spec: { holderIdentity: "y" } });
    expect(replaced.spec.holderIdentity).toBe("y");
    const patched = await kube.mergePatch<ConfigLike>(kinds.lease, ref("a"), { spec: { leaseTransitions: 1 } });
    expect(patched.spec).toEqual({ holderIdentity: "y", leaseTransitions: 1 });
    await kube.apply(kinds.lease, lease("b", { holderIdentity: "z" }));
    const { items, resourceVersion } = await kube.list(kinds.lease, { namespace: "shop" });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    expect(Number(resourceVersion)).toBeGreaterThan(0);
    await kube.delete(kinds.lease, ref("a"));
    await kube.delete(kinds.lease, ref("a"));
    expect(await kube.get(kinds.lease, ref("a"))).toBeUndefined();
  });

  it("classifies refusals as the port says", async () => {
    const kube = memory();
    const made = await kube.create(kinds.lease, lease("a"));
    const stale = { ...made, metadata: { ...made.metadata, resourceVersion: "1" } };
    const guard = [{ op: "test", path: "/spec/holderIdentity", value: "nobody" }] as const;
    expect(await reasonOf(kube.create(kinds.lease, lease("a")))).toBe("AlreadyExists 409");
    expect(await reasonOf(kube.replace(kinds.lease, stale))).toBe("Conflict 409");
    expect(await reasonOf(kube.jsonPatch(kinds.lease, ref("a"), guard))).toBe("Invalid 422");
    expect(await reasonOf(kube.mergePatch(kinds.lease, ref("b"), {}))).toBe("NotFound 404");
    expect(await reasonOf(kube.list(kinds.canary))).toBe("NotFound 404");
    expect(await reasonOf(kube.delete(kinds.lease, { ...ref("a") }, { uid: "other" }))).toBe("Conflict 409");
    expect([await kube.serves(kinds.lease), await kube.serves(kinds.canary)]).toEqual([true, false]);
  });

  it("applies as the manager aviary, and meets conflicts of others", async () => {
    const kube = memory();
    const leases = kube.server.resource("coordination.k8s.io", "v1", "leases");
    kube.server.create(leases, "shop", lease("a", { holderIdentity: "them" }) as never, { fieldManager: "other" });
    const mine = lease("a", { holderIdentity: "us" });
    expect(await reasonOf(kube.apply(kinds.lease, mine))).toBe("Conflict 409");
    const forced = await kube.apply<ConfigLike>(kinds.lease, mine, { force: true });
    expect([forced.spec.holderIdentity, forced.metadata.managedFields]).toMatchObject([
      "us",
      [{ manager: "aviary", operation: "Apply" }],
    ]);
  });

  it("answers what nobody can change", async () => {
    const kube = memory();
    const made = await kube.create(kinds.lease, lease("a", { holderIdentity: "x" }));
    expect(() => Object.assign(made.spec, { holderIdentity: "y" })).toThrow(TypeError);
  });

  it("watches from a version on, until it is aborted", async () => {
    const kube = memory();
    const { resourceVersion } = await kube.list(kinds.lease);
    await kube.create(kinds.lease, lease("past"));
    const abort = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of kube.watch(kinds.lease, { resourceVersion, signal: abort.signal })) {
        if (event.type === "BOOKMARK") continue;
        seen.push(`${event.type} ${event.object.metadata.name}`);
        if (event.type === "ADDED") await kube.delete(kinds.lease, ref(event.object.metadata.name));
        else abort.abort();
      }
    })();
    await expect(watching).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    expect(seen).toEqual(["ADDED past", "DELETED past"]);
  });

  it("ends a watch by itself after its time, with a bookmark", async () => {
    const kube = memory();
    const { resourceVersion } = await kube.list(kinds.lease);
    const events = await all(kube.watch(kinds.lease, { resourceVersion, timeoutSeconds: 0.01 }));
    expect(events).toEqual([{ type: "BOOKMARK", resourceVersion }]);
  });

  it("says Gone when a watch starts too long ago", async () => {
    const kube = memory();
    const { resourceVersion } = await kube.list(kinds.lease);
    await kube.create(kinds.lease, lease("a"));
    kube.server.store.compact();
    expect(await reasonOf(all(kube.watch(kinds.lease, { resourceVersion })))).toBe("Gone 410");
  });

  it("rejects a call whose signal is aborted, without doing it", async () => {
    const kube = memory();
    const options = { signal: AbortSignal.abort() };
    await expect(kube.create(kinds.lease, lease("a"), options)).rejects.toMatchObject({ name: "AbortError" });
    expect(await kube.get(kinds.lease, ref("a"))).toBeUndefined();
  });
});

describe("the fault hooks", () => {
  const crash = (when: "before" | "after", calls: KubeCall[]) => {
    const fail = (call: KubeCall) => {
      calls.push(call);
      if (call.verb === "create") throw new KubeError({ reason: "Unavailable", message: "crashed", status: 0 });
    };
    return memory({ [when]: fail });
  };

  it("before a write keep it from happening", async () => {
    const calls: KubeCall[] = [];
    const kube = crash("before", calls);
    await expect(kube.create(kinds.lease, lease("a"))).rejects.toSatisfy((error) => isKubeError(error, "Unavailable"));
    expect(await kube.get(kinds.lease, ref("a"))).toBeUndefined();
    expect(calls[0]).toMatchObject({ verb: "create", kind: kinds.lease, namespace: "shop", name: "a" });
  });

  it("after a write lose only its answer", async () => {
    const calls: KubeCall[] = [];
    const kube = crash("after", calls);
    await expect(kube.create(kinds.lease, lease("a"))).rejects.toSatisfy((error) => isKubeError(error, "Unavailable"));
    expect((await kube.get(kinds.lease, ref("a")))?.metadata.name).toBe("a");
    expect(calls.map(({ verb }) => verb)).toEqual(["create"]);
  });
});

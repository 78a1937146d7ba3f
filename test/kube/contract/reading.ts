import { expect, test } from "vitest";
import { kinds } from "../../../src/kube/kinds.ts";
import type { ConfigMap, Ingress } from "../../../src/kube/objects.ts";
import type { KubeObject, ListOptions, ResourceKind } from "../../../src/kube/port.ts";
import { ingress, kind, make, namesOf, notServed, notServedHere } from "./setting.ts";
import type { SetUp } from "./setting.ts";

export function reading(setUp: SetUp): void {
  test("gets what was created, with the metadata of a stored object", async () => {
    const setting = await setUp();
    const [created] = await make(setting, ["web"]);
    const read = await setting.kube.get<Ingress>(kind, { namespace: setting.namespace, name: "web" });
    expect(read).toEqual(created);
    expect(read).toMatchObject({ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { generation: 1 } });
    const metadata = read?.metadata ?? expect.fail("no metadata");
    expect([metadata.uid, metadata.resourceVersion, metadata.creationTimestamp]).not.toContain(undefined);
  });

  test("lists and watches what pods are configured with by its metadata alone, and gets all of it", async () => {
    const { kube, namespace } = await setUp();
    const { resourceVersion } = await kube.list(kinds.configMap, { namespace });
    const metadata = { namespace, name: "web", labels: { a: "b" }, annotations: { "aviary.dev/track": "false" } };
    const made: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { key: "value" } };
    await kube.create(kinds.configMap, made);
    const seen: KubeObject[] = (await kube.list(kinds.configMap, { namespace })).items.filter(isWeb);
    const reading = new AbortController();
    for await (const event of kube.watch(kinds.configMap, { namespace, resourceVersion, signal: reading.signal })) {
      if (event.type === "BOOKMARK" || !isWeb(event.object)) continue;
      seen.push(event.object);
      break;
    }
    reading.abort();
    expect(seen).toHaveLength(2);
    for (const object of seen) {
      expect(object).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", metadata });
      expect(JSON.stringify(Object.keys(object).sort())).toBe('["apiVersion","kind","metadata"]');
    }
    expect(await kube.get(kinds.configMap, { namespace, name: "web" })).toMatchObject({ data: { key: "value" } });
  });

  test("answers undefined for what is not there, be it the object, the namespace or the kind", async () => {
    const { kube, namespace } = await setUp();
    expect(await kube.get(kind, { namespace, name: "none" })).toBeUndefined();
    expect(await kube.get(kind, { namespace: "no-such-namespace", name: "none" })).toBeUndefined();
    expect(await kube.get(notServed, { namespace, name: "none" })).toBeUndefined();
  });

  test("lists all pages, one namespace or all of them", async () => {
    const setting = await setUp();
    const other = await setUp();
    await make(setting, ["a", "b", "c", "d", "e"]);
    await make(other, ["elsewhere"]);
    const { kube, namespace } = setting;
    const list = await kube.list<Ingress>(kind, { namespace, pageSize: 2 });
    expect(namesOf(list.items)).toEqual(["a", "b", "c", "d", "e"]);
    expect(list.items.every((item) => item.kind === "Ingress" && item.apiVersion === "networking.k8s.io/v1")).toBe(
      true,
    );
    expect(list.resourceVersion).not.toBe("");
    expect(namesOf((await kube.list(kind, { pageSize: 2 })).items)).toEqual(
      expect.arrayContaining(["a", "e", "elsewhere"]),
    );
  });

  test.for<{ selector: Partial<ListOptions>; found: string[] }>([
    { selector: { labelSelector: "tier=front" }, found: ["a", "b"] },
    { selector: { labelSelector: "tier!=front" }, found: ["c", "d"] },
    { selector: { labelSelector: "tier in (front,back)" }, found: ["a", "b", "c"] },
    { selector: { labelSelector: "!tier" }, found: ["d"] },
    { selector: { labelSelector: "tier=front,app=a" }, found: ["a"] },
    { selector: { fieldSelector: "metadata.name=c" }, found: ["c"] },
    { selector: { fieldSelector: "metadata.name=none" }, found: [] },
  ])("lists by $selector", async ({ selector, found }) => {
    const setting = await setUp();
    await make(setting, ["a"], { tier: "front", app: "a" });
    await make(setting, ["b"], { tier: "front", app: "b" });
    await make(setting, ["c"], { tier: "back" });
    await make(setting, ["d"]);
    const { items } = await setting.kube.list(kind, { namespace: setting.namespace, ...selector });
    expect(namesOf(items)).toEqual(found);
  });

  test("ends every call with an AbortError when its signal is aborted", async () => {
    const { kube, namespace } = await setUp();
    const signal = AbortSignal.abort();
    const calls = [
      kube.get(kind, { namespace, name: "web" }, { signal }),
      kube.list(kind, { namespace, signal }),
      kube.create(kind, ingress(namespace, "web"), { signal }),
      kube.delete(kind, { namespace, name: "web" }, { signal }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect(await kube.get(kind, { namespace, name: "web" })).toBeUndefined();
  });
}

export function discovering(setUp: SetUp): void {
  test.for<{ name: string; wanted: ResourceKind; served: boolean }>([
    { name: "of the core group", wanted: kinds.service, served: true },
    { name: "of a named group", wanted: kinds.ingress, served: true },
    { name: "of no group that is served", wanted: notServed, served: false },
    { name: "that its group does not have", wanted: notServedHere, served: false },
  ])("knows whether a kind $name is served", async ({ wanted, served }) => {
    const { kube } = await setUp();
    expect(await kube.serves(wanted)).toBe(served);
  });

  test("a list and a watch of a kind that is not served are NotFound", async () => {
    const { kube, namespace } = await setUp();
    await expect(kube.list(notServed, { namespace })).rejects.toMatchObject({ reason: "NotFound", status: 404 });
    const watch = async (): Promise<void> => {
      for await (const event of kube.watch(notServed, { namespace, resourceVersion: "1" })) expect.fail(event.type);
    };
    await expect(watch()).rejects.toMatchObject({ reason: "NotFound", status: 404 });
  });
}

/** A real cluster puts a ConfigMap of its own into every namespace. */
const isWeb = ({ metadata }: KubeObject): boolean => metadata.name === "web";

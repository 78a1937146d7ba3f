import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Deployment, Ingress } from "../../src/kube/objects.ts";
import { isTerminating } from "../../src/kube/objects.ts";
import type { Kube, KubeObject, ListOptions, ResourceKind, WatchEvent, WatchOptions } from "../../src/kube/port.ts";

/** One implementation of the port, ready to be used. */
export interface KubeHarness {
  readonly kube: Kube;
  /** Makes a namespace that no other test uses, and answers its name. */
  namespace(): Promise<string>;
  /** A resourceVersion from which Ingresses can no longer be watched. */
  expiredVersion(): Promise<string>;
  /** The shortest life of a watch, in seconds, in which the server sends a bookmark. */
  readonly bookmarkSeconds: number;
  close(): Promise<void>;
}

/** What every implementation of the port must do: the in-memory one, the client against the sandbox, a real server. */
export function kubeContract(name: string, makeHarness: () => Promise<KubeHarness>): void {
  describe(`the port, as ${name},`, () => {
    let harness: KubeHarness | undefined;
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterAll(async () => {
      await harness?.close();
    });
    /** The port and a namespace of the test's own. */
    const setUp: SetUp = async () => {
      const made = harness ?? expect.fail("no harness");
      return { kube: made.kube, namespace: await made.namespace(), harness: made };
    };
    reading(setUp);
    watching(setUp);
    creating(setUp);
    patching(setUp);
    applying(setUp);
    deleting(setUp);
    discovering(setUp);
  });
}

interface Setting {
  readonly kube: Kube;
  readonly namespace: string;
  readonly harness: KubeHarness;
}
type SetUp = () => Promise<Setting>;

/** Ingresses: a built-in kind with generation and status that no controller of a bare cluster touches. */
const kind = kinds.ingress;
const notServed: ResourceKind = {
  group: "nowhere.example",
  version: "v1",
  kind: "Ghost",
  plural: "ghosts",
  namespaced: true,
};
const notServedHere: ResourceKind = { ...kinds.deployment, kind: "Ghost", plural: "ghosts" };

type Labels = Readonly<Record<string, string>>;

function ingress(
  namespace: string,
  name: string,
  options: { readonly labels?: Labels; readonly className?: string } = {},
): Ingress {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { namespace, name, ...(options.labels === undefined ? {} : { labels: options.labels }) },
    spec: {
      ...(options.className === undefined ? {} : { ingressClassName: options.className }),
      defaultBackend: { service: { name: "podinfo", port: { number: 80 } } },
    },
  };
}

const namesOf = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).toSorted();
const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? expect.fail("no resourceVersion");

async function make(setting: Setting, names: readonly string[], labels?: Labels): Promise<Ingress[]> {
  const made: Ingress[] = [];
  for (const name of names) {
    made.push(
      await setting.kube.create(kind, ingress(setting.namespace, name, labels === undefined ? {} : { labels })),
    );
  }
  return made;
}

function reading(setUp: SetUp): void {
  test("gets what was created, with the metadata of a stored object", async () => {
    const setting = await setUp();
    const [created] = await make(setting, ["web"]);
    const read = await setting.kube.get<Ingress>(kind, { namespace: setting.namespace, name: "web" });
    expect(read).toEqual(created);
    expect(read).toMatchObject({ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { generation: 1 } });
    const metadata = read?.metadata ?? expect.fail("no metadata");
    expect([metadata.uid, metadata.resourceVersion, metadata.creationTimestamp]).not.toContain(undefined);
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

function watching(setUp: SetUp): void {
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

function creating(setUp: SetUp): void {
  test("a second create of the same name is AlreadyExists", async () => {
    const setting = await setUp();
    await make(setting, ["web"]);
    await expect(make(setting, ["web"])).rejects.toMatchObject({ reason: "AlreadyExists", status: 409 });
  });

  test("a create in a namespace that is not there is NotFound", async () => {
    const { kube } = await setUp();
    const create = kube.create(kind, ingress("no-such-namespace", "web"));
    await expect(create).rejects.toMatchObject({ reason: "NotFound", status: 404 });
  });

  test.for<{ name: string; object: (namespace: string) => unknown }>([
    { name: "a name that is none", object: (namespace) => ingress(namespace, "Not A Name") },
    {
      name: "a field of the wrong type",
      object: (namespace) => ({ ...ingress(namespace, "web"), spec: { rules: "many" } }),
    },
  ])("a create with $name is Invalid", async ({ object }) => {
    const { kube, namespace } = await setUp();
    const create = kube.create(kind, object(namespace) as Ingress);
    await expect(create).rejects.toMatchObject({ reason: "Invalid" });
  });

  test("a replace of the version that was read succeeds, of an older one it is a Conflict", async () => {
    const setting = await setUp();
    const [read] = await make(setting, ["web"]);
    const object = read ?? expect.fail("not made");
    const replaced = await setting.kube.replace(kind, { ...object, spec: { ...object.spec, ingressClassName: "a" } });
    expect(replaced).toMatchObject({ spec: { ingressClassName: "a" }, metadata: { generation: 2 } });
    const again = setting.kube.replace(kind, { ...object, spec: { ...object.spec, ingressClassName: "b" } });
    await expect(again).rejects.toMatchObject({ reason: "Conflict", status: 409 });
  });
}

function patching(setUp: SetUp): void {
  /** An Ingress to patch, and its reference. */
  const setUpOne = async () => {
    const setting = await setUp();
    const [made] = await make(setting, ["web"], { tier: "front" });
    return { ...setting, made: made ?? expect.fail("not made"), ref: { namespace: setting.namespace, name: "web" } };
  };

  test("a JSON patch whose tests hold changes its fields and nothing else", async () => {
    const { kube, ref, made } = await setUpOne();
    const patched = await kube.jsonPatch<Ingress>(kind, ref, [
      { op: "test", path: "/metadata/labels/tier", value: "front" },
      { op: "replace", path: "/metadata/labels/tier", value: "back" },
      { op: "add", path: "/spec/ingressClassName", value: "a" },
    ]);
    expect(patched.metadata.labels).toEqual({ tier: "back" });
    expect(patched.spec).toEqual({ ...made.spec, ingressClassName: "a" });
  });

  test("a JSON patch whose test fails is Invalid and changes nothing", async () => {
    const { kube, ref, made } = await setUpOne();
    const patch = kube.jsonPatch(kind, ref, [
      { op: "replace", path: "/metadata/labels/tier", value: "back" },
      { op: "test", path: "/metadata/labels/tier", value: "front" },
    ]);
    await expect(patch).rejects.toMatchObject({ reason: "Invalid", status: 422 });
    expect(await kube.get(kind, ref)).toEqual(made);
  });

  test("a JSON patch that removes what is not there is Invalid", async () => {
    const { kube, ref } = await setUpOne();
    const patch = kube.jsonPatch(kind, ref, [{ op: "remove", path: "/metadata/annotations" }]);
    await expect(patch).rejects.toMatchObject({ reason: "Invalid" });
  });

  test("a JSON patch of an older version, tested, is refused", async () => {
    const { kube, ref, made } = await setUpOne();
    await kube.mergePatch(kind, ref, { metadata: { labels: { more: "yes" } } });
    const patch = kube.jsonPatch(kind, ref, [
      { op: "test", path: "/metadata/resourceVersion", value: versionOf(made) },
      { op: "add", path: "/spec/ingressClassName", value: "a" },
    ]);
    await expect(patch).rejects.toMatchObject({ reason: "Invalid", status: 422 });
  });

  test("a merge patch sets, and removes with null", async () => {
    const { kube, ref } = await setUpOne();
    const patch = { metadata: { labels: { tier: null, app: "web" }, annotations: { note: "text" } } };
    const patched = await kube.mergePatch<Ingress>(kind, ref, patch);
    expect(patched.metadata).toMatchObject({ labels: { app: "web" }, annotations: { note: "text" } });
    expect(patched.metadata.labels).not.toHaveProperty("tier");
  });

  test("a merge patch with an older resourceVersion is a Conflict", async () => {
    const { kube, ref, made } = await setUpOne();
    await kube.mergePatch(kind, ref, { metadata: { labels: { more: "yes" } } });
    const metadata = { resourceVersion: versionOf(made), labels: { late: "yes" } };
    await expect(kube.mergePatch(kind, ref, { metadata })).rejects.toMatchObject({ reason: "Conflict", status: 409 });
  });

  test("a patch of what is not there is NotFound", async () => {
    const { kube, namespace } = await setUp();
    const ref = { namespace, name: "none" };
    const patches = [kube.mergePatch(kind, ref, {}), kube.jsonPatch(kind, ref, [])];
    for (const patch of patches) await expect(patch).rejects.toMatchObject({ reason: "NotFound", status: 404 });
  });

  test("the generation moves with the spec, not with metadata or status", async () => {
    const { kube, ref } = await setUpOne();
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } };
    const generations = [
      await kube.mergePatch(kind, ref, { metadata: { labels: { a: "b" } } }),
      await kube.mergePatch(kind, ref, { status }, { subresource: "status" }),
      await kube.mergePatch(kind, ref, { spec: { ingressClassName: "a" } }),
    ].map(({ metadata }) => metadata.generation);
    expect(generations).toEqual([1, 1, 2]);
  });

  test("the status changes through its subresource alone, and the spec not through that", async () => {
    const { kube, ref, made } = await setUpOne();
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } };
    const ignored = await kube.mergePatch<Ingress>(kind, ref, { status });
    expect(ignored.status?.loadBalancer?.ingress).toBeUndefined();
    const body = { status, spec: { ingressClassName: "a" } };
    const patched = await kube.mergePatch<Ingress>(kind, ref, body, { subresource: "status" });
    expect(patched).toMatchObject({ status });
    expect(patched.spec).toEqual(made.spec);
    const again = await kube.jsonPatch<Ingress>(kind, ref, [{ op: "remove", path: "/status/loadBalancer/ingress" }], {
      subresource: "status",
    });
    expect(again.status?.loadBalancer?.ingress).toBeUndefined();
  });

  test("the scale subresource changes the replicas", async () => {
    const { kube, namespace } = await setUp();
    const ref = { namespace, name: "podinfo" };
    await kube.create(kinds.deployment, deployment(namespace));
    await kube.mergePatch(kinds.deployment, ref, { spec: { replicas: 3 } }, { subresource: "scale" });
    expect(await kube.get<Deployment>(kinds.deployment, ref)).toMatchObject({ spec: { replicas: 3 } });
  });

  test("a patch that changes nothing leaves the version as it is", async () => {
    const { kube, ref, made } = await setUpOne();
    const patched = [
      await kube.mergePatch(kind, ref, { metadata: { labels: { tier: "front" } } }),
      await kube.jsonPatch(kind, ref, [{ op: "replace", path: "/metadata/labels/tier", value: "front" }]),
    ];
    expect(patched.map(versionOf)).toEqual([versionOf(made), versionOf(made)]);
  });
}

function deployment(namespace: string): Deployment {
  const labels = { app: "podinfo" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name: "podinfo" },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "app", image: "registry.example/podinfo:1" }] } },
    },
  };
}

function applying(setUp: SetUp): void {
  test("an apply makes the object, and a second one changes nothing", async () => {
    const { kube, namespace } = await setUp();
    const first = await kube.apply(kind, ingress(namespace, "web", { className: "a" }));
    const second = await kube.apply(kind, ingress(namespace, "web", { className: "a" }));
    expect(first).toMatchObject({ spec: { ingressClassName: "a" }, metadata: { generation: 1 } });
    expect(versionOf(second)).toBe(versionOf(first));
  });

  test("an apply takes away what it applied before, and leaves what others set", async () => {
    const { kube, namespace } = await setUp();
    await kube.apply(kind, ingress(namespace, "web", { labels: { ours: "yes" }, className: "a" }));
    await kube.mergePatch(kind, { namespace, name: "web" }, { metadata: { labels: { theirs: "yes" } } });
    const applied = await kube.apply(kind, ingress(namespace, "web"));
    expect(applied.metadata.labels).toEqual({ theirs: "yes" });
    expect(applied.spec).not.toHaveProperty("ingressClassName");
  });

  test("an apply over another manager's value is a Conflict, and takes it over by force", async () => {
    const { kube, namespace } = await setUp();
    await kube.create(kind, ingress(namespace, "web", { className: "theirs" }));
    const wanted = ingress(namespace, "web", { className: "ours" });
    await expect(kube.apply(kind, wanted)).rejects.toMatchObject({ reason: "Conflict", status: 409 });
    expect(await kube.apply(kind, wanted, { force: true })).toMatchObject({ spec: { ingressClassName: "ours" } });
    expect(await kube.apply(kind, wanted)).toMatchObject({ spec: { ingressClassName: "ours" } });
  });

  test("an apply of an object that was read is Invalid, since it would take over every field", async () => {
    const { kube, namespace } = await setUp();
    const applied = await kube.apply(kind, ingress(namespace, "web"));
    await expect(kube.apply(kind, applied, { force: true })).rejects.toMatchObject({ reason: "Invalid" });
  });
}

function deleting(setUp: SetUp): void {
  test("a delete of what is not there succeeds", async () => {
    const { kube, namespace } = await setUp();
    await expect(kube.delete(kind, { namespace, name: "none" })).resolves.toBeUndefined();
  });

  test("a delete of one incarnation spares its successor", async () => {
    const setting = await setUp();
    const { kube, namespace } = setting;
    const ref = { namespace, name: "web" };
    const [first] = await make(setting, ["web"]);
    await kube.delete(kind, ref);
    const [second] = await make(setting, ["web"]);
    const uids = [first, second].map((object) => object?.metadata.uid ?? expect.fail("no uid"));
    const [firstUid = "", secondUid = ""] = uids;
    await expect(kube.delete(kind, ref, { uid: firstUid })).rejects.toMatchObject({ reason: "Conflict", status: 409 });
    await kube.delete(kind, ref, { uid: secondUid, propagation: "Background" });
    expect(await kube.get(kind, ref)).toBeUndefined();
  });

  test("an object with a finalizer stays, marked, until that is taken off", async () => {
    const { kube, namespace } = await setUp();
    const ref = { namespace, name: "web" };
    const object = ingress(namespace, "web");
    await kube.create(kind, { ...object, metadata: { ...object.metadata, finalizers: ["aviary.dev/hand-back"] } });
    await kube.delete(kind, ref);
    const marked = await kube.get<Ingress>(kind, ref);
    expect(marked !== undefined && isTerminating(marked)).toBe(true);
    await kube.jsonPatch(kind, ref, [
      { op: "test", path: "/metadata/finalizers/0", value: "aviary.dev/hand-back" },
      { op: "remove", path: "/metadata/finalizers/0" },
    ]);
    expect(await kube.get(kind, ref)).toBeUndefined();
  });
}

function discovering(setUp: SetUp): void {
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

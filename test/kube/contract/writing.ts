import { expect, test } from "vitest";
import { createEventRecorder } from "../../../src/kube/events.ts";
import { kinds } from "../../../src/kube/kinds.ts";
import type { Ingress, KubeEvent } from "../../../src/kube/objects.ts";
import { isTerminating } from "../../../src/kube/objects.ts";
import { systemClock } from "../../../src/lib/time.ts";
import { ingress, kind, make, versionOf } from "./setting.ts";
import type { SetUp } from "./setting.ts";

export function creating(setUp: SetUp): void {
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

export function telling(setUp: SetUp): void {
  test("an Event that is told again is counted, and keeps what kubectl sorts by", async () => {
    const { kube, namespace } = await setUp();
    const clock = { ...systemClock, now: () => nowMs };
    let nowMs = Date.UTC(2026, 0, 1);
    const recorder = createEventRecorder({ kube, clock, instance: "test" });
    const regarding = { ...ingress(namespace, "web"), metadata: { namespace, name: "web", uid: "u" } };
    for (let times = 0; times < 2; times++) {
      recorder.record({ regarding, type: "Warning", reason: "Told", note: "told" });
      await recorder.flush();
      nowMs += 90_000;
    }
    expect(recorder.dropped()).toBe(0);
    const { items } = await kube.list<KubeEvent>(kinds.event, { namespace });
    expect(items).toMatchObject([
      {
        count: 2,
        message: "told",
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:01:30Z",
        series: { count: 2 },
      },
    ]);
  });
}

export function deleting(setUp: SetUp): void {
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

export function applying(setUp: SetUp): void {
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

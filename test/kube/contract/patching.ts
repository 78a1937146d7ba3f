import { expect, test } from "vitest";
import { kinds } from "../../../src/kube/kinds.ts";
import type { Deployment, Ingress } from "../../../src/kube/objects.ts";
import { kind, make, versionOf } from "./setting.ts";
import type { SetUp } from "./setting.ts";

export function patching(setUp: SetUp): void {
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

  test("a strict JSON patch with a field that the API does not know is Invalid and names it", async () => {
    const { kube, ref, made } = await setUpOne();
    const operations = [{ op: "add", path: "/spec/rulez", value: [] }] as const;
    const patch = kube.jsonPatch(kind, ref, operations, { strict: true });
    await expect(patch).rejects.toMatchObject({ reason: "Invalid" });
    await expect(patch).rejects.toThrow("spec.rulez");
    expect((await kube.jsonPatch(kind, ref, operations)).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
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

import { describe, expect, it } from "vitest";
import { metaOf } from "../../../src/sandbox/apiserver/json.ts";
import type { JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import type { Resource } from "../../../src/sandbox/apiserver/resources.ts";
import { bird, deployment, inShop, read, refusal, sentences, testApi } from "./birds.ts";
import type { TestApi } from "./birds.ts";

function apply(api: TestApi, resource: Resource, body: JsonObject, options: { by: string; force?: boolean }) {
  const name = String(metaOf(body)["name"]);
  const request = { type: "apply", body, force: options.force === true } as const;
  return api.server.patch(resource, inShop(name), request, { fieldManager: options.by }).object;
}

describe("server-side apply", () => {
  it("creates an object, owned by its manager", () => {
    const api = testApi();
    const object = apply(api, api.birds, bird({ color: "red", gates: [{ name: "a" }] }), { by: "one" });
    expect(metaOf(object)["managedFields"]).toEqual([
      {
        manager: "one",
        operation: "Apply",
        apiVersion: "example.dev/v1",
        time: "2026-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:spec": { "f:color": {}, "f:gates": { 'k:{"name":"a"}': { ".": {}, "f:name": {} } } } },
      },
    ]);
  });

  it("merges keyed lists item by item, and replaces atomic ones", () => {
    const api = testApi();
    apply(api, api.birds, bird({ color: "red", gates: [{ name: "a" }], steps: [{ weight: 1 }] }), { by: "one" });
    const object = apply(api, api.birds, bird({ color: "red", gates: [{ name: "b" }] }), { by: "two" });
    expect(object["spec"]).toMatchObject({ gates: [{ name: "a" }, { name: "b" }], steps: [{ weight: 1 }] });
  });

  it("removes what its manager no longer applies, unless another one applies it too", () => {
    const api = testApi();
    apply(api, api.birds, bird({ color: "red", note: "a", min: 1, targetRef: { name: "x" }, gates: [{ name: "a" }] }), {
      by: "one",
    });
    apply(api, api.birds, bird({ color: "red", min: 1 }), { by: "two" });
    const object = apply(api, api.birds, bird({ color: "red" }), { by: "one" });
    expect(object["spec"]).toEqual({ color: "red", min: 1, replicas: 1 });
  });

  it("that changes nothing moves neither generation nor resourceVersion", () => {
    const api = testApi();
    const first = apply(api, api.deployments, deployment(), { by: "one" });
    api.clock.ms += 60_000;
    const second = apply(api, api.deployments, deployment(), { by: "one" });
    expect(read(second, "metadata.resourceVersion")).toBe(read(first, "metadata.resourceVersion"));
    expect(second["metadata"]).toEqual(first["metadata"]);
  });

  it("is a conflict where another manager holds another value, and names manager and field", () => {
    const api = testApi();
    apply(api, api.birds, bird({ color: "red", gates: [{ name: "a", kind: "job" }] }), { by: "one" });
    const body = bird({ color: "green", gates: [{ name: "a", kind: "opa" }] });
    const error = refusal(() => apply(api, api.birds, body, { by: "two" }));
    expect([error.code, error.init.reason]).toEqual([409, "Conflict"]);
    expect(error.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.color\n- .spec.gates[name="a"].kind',
    );
    expect(sentences(() => apply(api, api.birds, body, { by: "two" }))).toEqual([
      '.spec.color: conflict with "one"',
      '.spec.gates[name="a"].kind: conflict with "one"',
    ]);
  });

  it("takes fields over by force", () => {
    const api = testApi();
    apply(api, api.birds, bird({ color: "red" }), { by: "one" });
    const object = apply(api, api.birds, bird({ color: "green" }), { by: "two", force: true });
    const owners = (metaOf(object)["managedFields"] as JsonObject[]).map((entry) => entry["manager"]);
    expect([read(object, "spec.color"), owners]).toEqual(["green", ["two"]]);
  });

  it("conflicts with an ordinary update, whose manager is named with its version", () => {
    const api = testApi();
    apply(api, api.deployments, deployment({ replicas: 1 }), { by: "one" });
    const scale = { type: "merge", body: { spec: { replicas: 5 } } } as const;
    api.server.patch(api.deployments, inShop("app"), scale, { fieldManager: "autoscaler" });
    const again = () => apply(api, api.deployments, deployment({ replicas: 1 }), { by: "one" });
    expect(refusal(again).message).toBe(
      'Apply failed with 1 conflict: conflict with "autoscaler" using apps/v1: .spec.replicas',
    );
    const left = apply(api, api.deployments, deployment(), { by: "one" });
    expect(read(left, "spec.replicas")).toBe(5);
  });

  it("knows the keys of built-in lists, ports with their default protocol among them", () => {
    const api = testApi();
    apply(api, api.deployments, deployment(), { by: "one" });
    const container = { name: "web", env: [{ name: "A", value: "1" }], ports: [{ containerPort: 80, name: "http" }] };
    const template = { spec: { containers: [container, { name: "side", image: "s:1" }] } };
    const body = { ...deployment(), spec: { template } };
    const object = apply(api, api.deployments, body, { by: "two" });
    expect(read(object, "spec.template.spec.containers")).toMatchObject([
      { name: "web", image: "web:1", ports: [{ containerPort: 80, name: "http", protocol: "TCP" }] },
      { name: "side" },
    ]);
  });

  it.each<[string, JsonObject, string]>([
    ["an unknown field", bird({ color: "red", colour: 1 }), ".spec.colour: field not declared in schema"],
    ["a wrong type", bird({ color: "red", gates: {} }), ".spec.gates: expected list, got &{map[]}"],
    [
      "a key twice",
      bird({ color: "red", gates: [{ name: "a" }, { name: "a" }] }),
      '.spec.gates: duplicate entries for key [name="a"]',
    ],
  ])("is refused with %s", (_what, body, sentence) => {
    const api = testApi();
    const error = refusal(() => apply(api, api.birds, body, { by: "one" }));
    expect(error.message).toBe(`failed to create typed patch object (/tit; example.dev/v1, Kind=Bird): ${sentence}`);
  });

  it("of the status touches nothing else", () => {
    const api = testApi();
    apply(api, api.birds, bird({ color: "red" }), { by: "one" });
    const body = { ...bird({ color: "green" }), status: { phase: "flying" } };
    const request = { type: "apply", body } as const;
    const { object } = api.server.patch(api.birds, inShop("tit"), request, {
      fieldManager: "two",
      subresource: "status",
    });
    expect(object).toMatchObject({ spec: { color: "red" }, status: { phase: "flying" } });
    expect(metaOf(object)["managedFields"]).toMatchObject([
      { manager: "one" },
      { manager: "two", subresource: "status" },
    ]);
  });
});

describe("ownership", () => {
  it("follows ordinary writes: what changed belongs to the writer, what went to nobody", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red", note: "a" }), { fieldManager: "one" });
    const request = { type: "merge", body: { spec: { color: "green", note: null } } } as const;
    const { object } = server.patch(birds, inShop("tit"), request, { fieldManager: "two" });
    const owners = (metaOf(object)["managedFields"] as JsonObject[]).map((entry) => [
      entry["manager"],
      entry["fieldsV1"],
    ]);
    expect(Object.fromEntries(owners as [string, JsonObject][])).toEqual({
      one: { "f:spec": { ".": {}, "f:replicas": {} } },
      two: { "f:spec": { "f:color": {} } },
    });
  });

  it("is given up when a request takes the managedFields away", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }), { fieldManager: "one" });
    const body = [{ op: "replace", path: "/metadata/managedFields", value: [{}] }];
    const { object } = server.patch(birds, inShop("tit"), { type: "json", body }, { fieldManager: "two" });
    expect(metaOf(object)["managedFields"]).toBeUndefined();
  });
});

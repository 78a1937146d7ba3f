import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import { jsonPatch, mergePatch } from "../../../src/sandbox/apiserver/patch.ts";
import { builtinResources } from "../../../src/sandbox/apiserver/resources.ts";
import { strategicMerge } from "../../../src/sandbox/apiserver/strategicMerge.ts";
import { bird, inShop, refusal, testApi } from "./birds.ts";

describe("a merge patch", () => {
  it.each<[Json, Json, Json]>([
    [{ a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    [{ a: 1 }, { a: null }, {}],
    [{ a: { b: 1, c: 2 } }, { a: { b: null } }, { a: { c: 2 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  ])("of %j with %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});

describe("a JSON patch", () => {
  it("does not touch its target", () => {
    const target: JsonObject = Object.freeze({ a: Object.freeze([1, 2]) });
    expect(jsonPatch(target, [{ op: "add", path: "/a/-", value: 3 }])).toEqual({ a: [1, 2, 3] });
    expect(target).toEqual({ a: [1, 2] });
  });

  it.each<[string, Json, number]>([
    ["a test that fails", [{ op: "test", path: "/a", value: 2 }], 422],
    ["a path that is not there", [{ op: "replace", path: "/x/y", value: 2 }], 422],
    ["the removal of nothing", [{ op: "remove", path: "/x" }], 422],
    ["an add below an absent map", [{ op: "add", path: "/metadata/annotations/x", value: "1" }], 422],
    ["an unknown operation", [{ op: "jump", path: "/a" }], 422],
    ["no list", { op: "test" }, 400],
  ])("is refused with %s", (_what, patch, code) => {
    expect(refusal(() => jsonPatch({ a: 1, metadata: {} }, patch)).code).toBe(code);
  });

  it("changes nothing when a later operation fails", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }));
    const body = [
      { op: "replace", path: "/spec/color", value: "green" },
      { op: "test", path: "/spec/replicas", value: 7 },
    ];
    expect(refusal(() => server.patch(birds, inShop("tit"), { type: "json", body })).code).toBe(422);
    expect(server.get(birds, inShop("tit"))["spec"]).toMatchObject({ color: "red" });
  });
});

const podSchema = builtinResources.find(({ kind }) => kind === "Pod")?.schema ?? {};

describe("a strategic merge patch", () => {
  const spec = (value: JsonObject): JsonObject => ({ spec: value });
  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    [
      "merges containers by name",
      spec({
        containers: [
          { name: "a", image: "a:1", args: ["x"] },
          { name: "b", image: "b:1" },
        ],
      }),
      spec({
        containers: [
          { name: "a", image: "a:2" },
          { name: "c", image: "c:1" },
        ],
      }),
      spec({
        containers: [
          { name: "a", image: "a:2", args: ["x"] },
          { name: "b", image: "b:1" },
          { name: "c", image: "c:1" },
        ],
      }),
    ],
    [
      "deletes an item by its key",
      spec({ containers: [{ name: "a" }, { name: "b" }] }),
      spec({ containers: [{ name: "a", $patch: "delete" }] }),
      spec({ containers: [{ name: "b" }] }),
    ],
    [
      "replaces a list on request",
      spec({ containers: [{ name: "a" }, { name: "b" }] }),
      spec({ containers: [{ name: "c" }, { $patch: "replace" }] }),
      spec({ containers: [{ name: "c" }] }),
    ],
    [
      "merges env by name and mounts by path",
      spec({
        containers: [{ name: "a", env: [{ name: "X", value: "1" }], volumeMounts: [{ mountPath: "/a", name: "v" }] }],
      }),
      spec({
        containers: [{ name: "a", env: [{ name: "Y", value: "2" }], volumeMounts: [{ mountPath: "/a", name: "w" }] }],
      }),
      spec({
        containers: [
          {
            name: "a",
            env: [
              { name: "X", value: "1" },
              { name: "Y", value: "2" },
            ],
            volumeMounts: [{ mountPath: "/a", name: "w" }],
          },
        ],
      }),
    ],
    [
      "replaces lists without a key, such as tolerations",
      spec({ tolerations: [{ key: "a" }] }),
      spec({ tolerations: [{ key: "b" }] }),
      spec({ tolerations: [{ key: "b" }] }),
    ],
    [
      "adds to finalizers and takes from them",
      { metadata: { finalizers: ["a/a", "b/b"] } },
      { metadata: { finalizers: ["c/c"], "$deleteFromPrimitiveList/finalizers": ["a/a"] } },
      { metadata: { finalizers: ["b/b", "c/c"] } },
    ],
    [
      "orders as asked",
      spec({ containers: [{ name: "a" }, { name: "b" }] }),
      spec({ "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "a", image: "x" }] }),
      spec({ containers: [{ name: "b" }, { name: "a", image: "x" }] }),
    ],
    [
      "leaves what the order does not name before the first item that stood after it",
      spec({ containers: ["x", "a", "y", "b", "z"].map((name) => ({ name })) }),
      spec({ "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "a", image: "i" }] }),
      spec({ containers: [{ name: "x" }, { name: "y" }, { name: "b" }, { name: "a", image: "i" }, { name: "z" }] }),
    ],
    [
      "puts a new item where the order has it, and what it does not name after it",
      spec({ containers: [{ name: "a" }, { name: "x" }, { name: "b" }] }),
      spec({
        "$setElementOrder/containers": [{ name: "a" }, { name: "c" }, { name: "b" }],
        containers: [{ name: "c", image: "i" }],
      }),
      spec({ containers: [{ name: "a" }, { name: "c", image: "i" }, { name: "x" }, { name: "b" }] }),
    ],
    [
      "orders a list that it does not change",
      spec({ containers: [{ name: "x" }, { name: "a" }, { name: "b" }] }),
      spec({ "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] }),
      spec({ containers: [{ name: "x" }, { name: "b" }, { name: "a" }] }),
    ],
    [
      "orders finalizers",
      { metadata: { finalizers: ["x/x", "a/a", "y/y"] } },
      { metadata: { finalizers: ["b/b"], "$setElementOrder/finalizers": ["b/b", "a/a"] } },
      { metadata: { finalizers: ["b/b", "x/x", "a/a", "y/y"] } },
    ],
    [
      "keeps only the retained keys",
      spec({ volumes: [{ name: "v", emptyDir: {} }] }),
      spec({ volumes: [{ name: "v", $retainKeys: ["name", "secret"], secret: { secretName: "s" } }] }),
      spec({ volumes: [{ name: "v", secret: { secretName: "s" } }] }),
    ],
    [
      "merges conditions by type",
      { status: { conditions: [{ type: "Ready", status: "False" }] } },
      {
        status: {
          conditions: [
            { type: "Ready", status: "True" },
            { type: "Other", status: "True" },
          ],
        },
      },
      {
        status: {
          conditions: [
            { type: "Ready", status: "True" },
            { type: "Other", status: "True" },
          ],
        },
      },
    ],
    ["removes with null", spec({ nodeName: "n", hostname: "h" }), spec({ nodeName: null }), spec({ hostname: "h" })],
  ])("%s", (_what, target, patch, result) => {
    expect(strategicMerge(target, patch, podSchema)).toEqual(result);
  });

  it("is refused for custom resources, as by a real API server", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }));
    expect(refusal(() => server.patch(birds, inShop("tit"), { type: "strategic", body: {} })).code).toBe(415);
  });
});

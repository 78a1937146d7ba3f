import { KubeConfig, KubernetesObjectApi, Watch } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubeconfig } from "../../../src/sandbox/apiserver/http.ts";
import type { JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import { bird, deployment, inShop } from "./birds.ts";
import { call, runningApi } from "./httpFixture.ts";
import type { RunningTestApi } from "./httpFixture.ts";

const BIRDS = "/apis/example.dev/v1/namespaces/shop/birds";

let api: RunningTestApi;
beforeAll(async () => {
  api = await runningApi({ bookmarkIntervalMs: 20 });
});
afterAll(() => api.stop());

describe("over HTTP", () => {
  it("an object goes through its life", async () => {
    const made = await call(api, BIRDS, { method: "POST", body: bird({ color: "red" }, { name: "life" }) });
    expect([made.status, made.body["kind"]]).toEqual([201, "Bird"]);
    const body = { spec: { color: "green" } };
    const type = "application/merge-patch+json";
    const patched = await call(api, `${BIRDS}/life?fieldManager=me`, { method: "PATCH", type, body });
    expect(patched.body).toMatchObject({ metadata: { generation: 2 }, spec: { color: "green" } });
    const put = await call(api, `${BIRDS}/life`, { method: "PUT", body: patched.body });
    expect([put.status, put.body]).toEqual([200, patched.body]);
    const gone = await call(api, `${BIRDS}/life`, { method: "DELETE" });
    expect(gone.body).toMatchObject({ status: "Success", details: { name: "life", kind: "birds" } });
    expect((await call(api, `${BIRDS}/life`)).status).toBe(404);
  });

  it.each([
    ["an unknown kind", "/apis/example.dev/v1/fish", {}, 404, "NotFound"],
    ["an unknown object", `${BIRDS}/nobody`, {}, 404, "NotFound"],
    ["a POST on an object", `${BIRDS}/nobody`, { method: "POST", body: {} }, 405, "MethodNotAllowed"],
    ["a bad object", BIRDS, { method: "POST", body: bird({}) }, 422, "Invalid"],
    ["no JSON", BIRDS, { method: "POST", body: "{" }, 400, "BadRequest"],
    [
      "protobuf",
      BIRDS,
      { method: "POST", type: "application/vnd.kubernetes.protobuf", body: "k8s" },
      415,
      "UnsupportedMediaType",
    ],
    [
      "a strategic merge of a custom resource",
      `${BIRDS}/x`,
      { method: "PATCH", type: "application/strategic-merge-patch+json", body: {} },
      415,
      "UnsupportedMediaType",
    ],
    [
      "an apply without a manager",
      `${BIRDS}/x`,
      { method: "PATCH", type: "application/apply-patch+yaml", body: bird({ color: "red" }) },
      422,
      "Invalid",
    ],
    [
      "an unknown fieldValidation",
      `${BIRDS}?fieldValidation=Maybe`,
      { method: "POST", body: bird({ color: "red" }) },
      400,
      "BadRequest",
    ],
  ])("%s is answered with a Status", async (_what, path, init, code, reason) => {
    const { status, body } = await call(api, path, init);
    expect(status).toBe(code);
    expect(body).toMatchObject({ kind: "Status", status: "Failure", code, reason });
  });

  it("a conflict of versions is answered 409, and a PUT needs a version", async () => {
    const put = (metadata: JsonObject) =>
      call(api, `${BIRDS}/put`, { method: "PUT", body: bird({ color: "red" }, metadata) });
    await call(api, BIRDS, { method: "POST", body: bird({ color: "red" }, { name: "put" }) });
    expect((await put({ name: "put", resourceVersion: "1" })).body).toMatchObject({ code: 409, reason: "Conflict" });
    expect((await put({ name: "put" })).body).toMatchObject({
      code: 422,
      message:
        'birds.example.dev "put" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    });
  });

  it("warnings travel in headers", async () => {
    const { headers } = await call(api, BIRDS, {
      method: "POST",
      body: bird({ color: "red", colour: 1 }, { name: "warned" }),
    });
    expect(headers.get("warning")).toBe('299 - "unknown field \\"spec.colour\\""');
  });

  it("YAML is applied", async () => {
    const body = "apiVersion: example.dev/v1\nkind: Bird\nmetadata: { name: yaml }\nspec: { color: red }\n";
    const init = { method: "PATCH", type: "application/apply-patch+yaml", body };
    const path = `${BIRDS}/yaml?fieldManager=me&force=true`;
    const statuses = [(await call(api, path, init)).status, (await call(api, path, init)).status];
    expect(statuses).toEqual([201, 200]);
  });

  it("tables come to those who ask for them", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const { body } = await call(api, "/api/v1/namespaces?limit=500", { accept });
    expect(body).toMatchObject({
      kind: "Table",
      rows: expect.arrayContaining([
        expect.objectContaining({ cells: ["shop", "Active", expect.any(String)] }),
      ]) as unknown,
    });
  });

  it("discovery is served in the aggregated and in the older form", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const aggregated = await call(api, "/apis", { accept });
    expect(aggregated.headers.get("content-type")).toBe(
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    );
    const group = (aggregated.body["items"] as JsonObject[]).find(
      (item) => (item["metadata"] as JsonObject)["name"] === "example.dev",
    );
    expect(group).toMatchObject({
      versions: [
        {
          version: "v1",
          resources: [
            {
              resource: "birds",
              shortNames: ["bd"],
              subresources: [{ subresource: "scale" }, { subresource: "status" }],
            },
          ],
        },
      ],
    });
    expect((await call(api, "/apis")).body["kind"]).toBe("APIGroupList");
    const list = await call(api, "/apis/example.dev/v1");
    expect((list.body["resources"] as JsonObject[]).map(({ name }) => name)).toEqual([
      "birds",
      "birds/scale",
      "birds/status",
    ]);
    expect((await call(api, "/api/v1")).body).toMatchObject({ kind: "APIResourceList", groupVersion: "v1" });
  });

  it("OpenAPI v3 names every group, and v2 is not there", async () => {
    const { body } = await call(api, "/openapi/v3");
    const paths = body["paths"] as Record<string, { serverRelativeURL: string }>;
    const document = (await call(api, paths["apis/example.dev/v1"]?.serverRelativeURL ?? "")).body;
    const patch = (document["paths"] as Record<string, { patch: { parameters: JsonObject[] } }>)[
      `${BIRDS.replace("shop", "{namespace}")}/{name}`
    ];
    expect(patch?.patch.parameters.map(({ name }) => name)).toEqual([
      "dryRun",
      "fieldManager",
      "fieldValidation",
      "force",
    ]);
    expect((await call(api, "/openapi/v2")).status).toBe(404);
  });

  it("health and version answer", async () => {
    for (const path of ["/healthz", "/readyz", "/livez"]) expect((await call(api, path)).body).toEqual({ text: "ok" });
    expect((await call(api, "/version")).body).toMatchObject({ major: "1" });
  });
});

/** Reads events of a raw watch until `enough`. */
async function watchUntil(path: string, enough: (events: JsonObject[]) => boolean): Promise<JsonObject[]> {
  const abort = new AbortController();
  const response = await fetch(`${api.url}${path}`, { signal: abort.signal });
  const events: JsonObject[] = [];
  let rest = "";
  try {
    for await (const chunk of response.body ?? []) {
      const lines = (rest + Buffer.from(chunk as Uint8Array).toString()).split("\n");
      rest = lines.pop() ?? "";
      events.push(...lines.map((line) => JSON.parse(line) as JsonObject));
      if (enough(events)) break;
    }
  } finally {
    abort.abort();
  }
  return events;
}

describe("a watch over HTTP", () => {
  it("sends its headers before anything happens", async () => {
    const abort = new AbortController();
    const { resourceVersion } = api.server.list(api.birds);
    const path = `${BIRDS}?watch=true&resourceVersion=${resourceVersion}`;
    const response = await fetch(`${api.url}${path}`, { signal: abort.signal });
    expect(response.status).toBe(200);
    abort.abort();
  });

  it("sends bookmarks to those who allow them, and ends at its time with one", async () => {
    const { resourceVersion } = api.server.list(api.birds);
    const path = `${BIRDS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${resourceVersion}`;
    const events = await watchUntil(path, () => false);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(["BOOKMARK"]));
    expect(events.length).toBeGreaterThan(1);
  });

  it("from a forgotten version gets an ERROR event with code 410", async () => {
    const { resourceVersion } = api.server.list(api.birds);
    api.server.create(api.birds, "shop", bird({ color: "red" }, { name: "forgotten" }));
    api.server.store.compact();
    const events = await watchUntil(`${BIRDS}?watch=true&resourceVersion=${resourceVersion}`, () => false);
    expect(events).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]);
  });
});

describe("@kubernetes/client-node", () => {
  const config = () => {
    const loaded = new KubeConfig();
    loaded.loadFromString(kubeconfig(api.url));
    return loaded;
  };

  it("creates, reads, patches, lists and deletes", async () => {
    const client = KubernetesObjectApi.makeApiClient(config());
    const header = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "node", namespace: "shop" } };
    await client.create({ ...deployment(), ...header } as never);
    const patched = await client.patch({ ...header, spec: { replicas: 4 } } as never);
    expect(patched).toMatchObject({ spec: { replicas: 4, template: { spec: { dnsPolicy: "ClusterFirst" } } } });
    const list = await client.list("apps/v1", "Deployment", "shop");
    expect(list.items.map((item) => item.metadata?.name)).toContain("node");
    await client.delete(header);
    await expect(client.read(header)).rejects.toMatchObject({ code: 404 });
  });

  it("watches", async () => {
    const seen: string[] = [];
    const { resourceVersion } = api.server.list(api.birds);
    const events = Promise.withResolvers<void>();
    const watch = new Watch(config());
    const controller = await watch.watch(
      BIRDS,
      { resourceVersion },
      (type, object: { metadata: { name: string } }) => {
        seen.push(`${type} ${object.metadata.name}`);
        if (seen.length === 2) events.resolve();
      },
      () => undefined,
    );
    api.server.create(api.birds, "shop", bird({ color: "red" }, { name: "seen" }));
    api.server.delete(api.birds, inShop("seen"));
    await events.promise;
    controller.abort();
    expect(seen).toEqual(["ADDED seen", "DELETED seen"]);
  });
});

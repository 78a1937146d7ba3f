import { describe, expect, it } from "vitest";
import { metaOf, nameOf } from "../../../src/sandbox/apiserver/json.ts";
import { bird, deployment, inShop, read, refusal, testApi } from "./birds.ts";

describe("deletion", () => {
  it("waits for finalizers, and ends with the last one", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }, { finalizers: ["aviary.dev/restore"] }));
    const { object, gone } = server.delete(birds, inShop("tit"));
    expect([gone, read(object, "metadata.deletionTimestamp")]).toEqual([false, "2026-01-01T00:00:00Z"]);
    const patch = (finalizers: string[] | null) =>
      server.patch(birds, inShop("tit"), { type: "merge", body: { metadata: { finalizers } } });
    expect(refusal(() => patch(["aviary.dev/restore", "late"])).message).toContain("no new finalizers can be added");
    patch(null);
    expect(refusal(() => server.get(birds, inShop("tit"))).code).toBe(404);
  });

  it("takes dependents with their last owner", () => {
    const { server, birds } = testApi();
    const owners = ["one", "two"].map((name) => server.create(birds, "shop", bird({ color: "red" }, { name })).object);
    const references = owners.map((owner) => ({
      apiVersion: "example.dev/v1",
      kind: "Bird",
      name: nameOf(owner),
      uid: metaOf(owner)["uid"],
    }));
    server.create(birds, "shop", bird({ color: "red" }, { name: "both", ownerReferences: references }));
    server.create(birds, "shop", bird({ color: "red" }, { name: "first", ownerReferences: references.slice(0, 1) }));
    server.delete(birds, inShop("one"));
    expect(server.list(birds).items.map(nameOf)).toEqual(["both", "two"]);
    server.delete(birds, inShop("two"));
    expect(server.list(birds).items).toEqual([]);
  });

  it("leaves dependents alone when they are to be orphaned", () => {
    const { server, birds } = testApi();
    const owner = server.create(birds, "shop", bird({ color: "red" })).object;
    const reference = { apiVersion: "example.dev/v1", kind: "Bird", name: "tit", uid: metaOf(owner)["uid"] };
    server.create(birds, "shop", bird({ color: "red" }, { name: "child", ownerReferences: [reference] }));
    server.delete(birds, inShop("tit"), { propagation: "Orphan" });
    expect(metaOf(server.get(birds, inShop("child")))["ownerReferences"]).toBeUndefined();
  });

  it("of a namespace takes everything in it, and refuses new content meanwhile", () => {
    const { server, birds, deployments } = testApi();
    const namespaces = server.resource("", "v1", "namespaces");
    server.create(birds, "shop", bird({ color: "red" }, { finalizers: ["a/b"] }));
    server.create(deployments, "shop", deployment());
    const { object, gone } = server.delete(namespaces, { name: "shop" });
    expect([gone, read(object, "status.phase")]).toEqual([false, "Terminating"]);
    expect(server.list(deployments).items).toEqual([]);
    expect(refusal(() => server.create(deployments, "shop", deployment())).message).toContain("is being terminated");
    server.patch(birds, inShop("tit"), { type: "merge", body: { metadata: { finalizers: null } } });
    expect(refusal(() => server.get(namespaces, { name: "shop" })).code).toBe(404);
  });

  it("of a definition takes its objects and stops serving the kind", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }));
    const definitions = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    expect(server.delete(definitions, { name: "birds.example.dev" }).gone).toBe(true);
    expect(refusal(() => server.resource("example.dev", "v1", "birds")).code).toBe(404);
  });

  it("of a pod on a node waits for the kubelet, and of any other pod does not", () => {
    const { server } = testApi();
    const pods = server.resource("", "v1", "pods");
    const pod = (name: string, nodeName?: string) => ({
      metadata: { name },
      spec: { containers: [{ name: "a", image: "a:1" }], ...(nodeName === undefined ? {} : { nodeName }) },
    });
    server.create(pods, "shop", pod("waiting"));
    server.create(pods, "shop", pod("running", "n1"));
    expect(server.delete(pods, inShop("waiting")).gone).toBe(true);
    const { object, gone } = server.delete(pods, inShop("running"));
    expect([gone, metaOf(object)["deletionGracePeriodSeconds"]]).toEqual([false, 30]);
    expect(server.delete(pods, inShop("running"), { gracePeriodSeconds: 0 }).gone).toBe(true);
  });
});

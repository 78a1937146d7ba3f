import { describe, expect, it } from "vitest";
import { metaOf, nameOf } from "../../../src/sandbox/apiserver/json.ts";
import { bird, deployment, inShop, read, refusal, sentences, testApi } from "./birds.ts";

describe("an object", () => {
  it("gets uid, time, generation 1 and a growing resourceVersion when it is created", () => {
    const { server, birds } = testApi();
    const first = server.create(birds, "shop", bird({ color: "red" })).object;
    const second = server.create(birds, "shop", bird({ color: "red" }, { name: "jay" })).object;
    expect(metaOf(first)).toMatchObject({
      creationTimestamp: "2026-01-01T00:00:00Z",
      generation: 1,
      namespace: "shop",
    });
    expect(read(first, "metadata.uid")).not.toBe(read(second, "metadata.uid"));
    expect(Number(read(second, "metadata.resourceVersion"))).toBeGreaterThan(
      Number(read(first, "metadata.resourceVersion")),
    );
  });

  it("cannot be changed by whoever reads it", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red", gates: [{ name: "a" }] }));
    const stored = server.get(birds, inShop("tit"));
    expect(() => Object.assign(stored["spec"] as object, { color: "green" })).toThrow(TypeError);
    expect(read(server.get(birds, inShop("tit")), "spec.color")).toBe("red");
  });

  it("is named after generateName when it has no name", () => {
    const { server, birds } = testApi();
    const names = [1, 2].map(() => {
      const body = { ...bird({ color: "red" }), metadata: { generateName: "tit-" } };
      return nameOf(server.create(birds, "shop", body).object);
    });
    expect(names[0]).toMatch(/^tit-[a-z0-9]{5}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  it.each([
    [
      "get",
      404,
      'birds.example.dev "jay" not found',
      (api: ReturnType<typeof testApi>) => api.server.get(api.birds, inShop("jay")),
    ],
    [
      "create twice",
      409,
      'birds.example.dev "tit" already exists',
      (api: ReturnType<typeof testApi>) => api.server.create(api.birds, "shop", bird({ color: "red" })),
    ],
    [
      "create in a namespace that is not there",
      404,
      'namespaces "nowhere" not found',
      (api: ReturnType<typeof testApi>) => api.server.create(api.birds, "nowhere", bird({ color: "red" })),
    ],
    [
      "update with an old resourceVersion",
      409,
      'Operation cannot be fulfilled on birds.example.dev "tit": the object has been modified; please apply your changes to the latest version and try again',
      (api: ReturnType<typeof testApi>) =>
        api.server.update(api.birds, inShop("tit"), bird({ color: "red" }, { resourceVersion: "1" })),
    ],
    [
      "delete with another uid",
      409,
      /the UID in the precondition \(other\) does not match/,
      (api: ReturnType<typeof testApi>) => api.server.delete(api.birds, inShop("tit"), { uid: "other" }),
    ],
    [
      "update under another name",
      400,
      "the name of the object (jay) does not match the name on the URL (tit)",
      (api: ReturnType<typeof testApi>) =>
        api.server.update(api.birds, inShop("tit"), bird({ color: "red" }, { name: "jay", resourceVersion: "9" })),
    ],
  ])("is refused: %s", (_what, code, message, action) => {
    const api = testApi();
    api.server.create(api.birds, "shop", bird({ color: "red" }));
    const error = refusal(() => action(api));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.toStatus()).toMatchObject({ kind: "Status", status: "Failure", code });
  });
});

describe("an update", () => {
  it("bumps the generation when the spec changes, and only then", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }));
    const patch = (body: object, subresource?: string) =>
      server.patch(birds, inShop("tit"), { type: "merge", body: body as never }, { subresource }).object;
    expect(read(patch({ metadata: { labels: { a: "b" } } }), "metadata.generation")).toBe(1);
    expect(read(patch({ status: { phase: "x" } }, "status"), "metadata.generation")).toBe(1);
    expect(read(patch({ spec: { color: "green" } }), "metadata.generation")).toBe(2);
  });

  it("that changes nothing does not move the resourceVersion", () => {
    const { server, deployments } = testApi();
    const before = server.create(deployments, "shop", deployment()).object;
    const same = server.update(deployments, inShop("app"), deployment()).object;
    expect(read(same, "metadata.resourceVersion")).toBe(read(before, "metadata.resourceVersion"));
  });

  it("of the main resource leaves the status alone, and of the status leaves the spec alone", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", { ...bird({ color: "red" }), status: { phase: "ignored" } });
    expect(server.get(birds, inShop("tit"))["status"]).toBeUndefined();
    const body = { spec: { color: "green" }, status: { phase: "flying" } };
    const afterStatus = server.patch(birds, inShop("tit"), { type: "merge", body }, { subresource: "status" }).object;
    expect([read(afterStatus, "spec.color"), read(afterStatus, "status.phase")]).toEqual(["red", "flying"]);
    const afterSpec = server.patch(birds, inShop("tit"), { type: "merge", body: { ...body, status: null } }).object;
    expect([read(afterSpec, "spec.color"), read(afterSpec, "status.phase")]).toEqual(["green", "flying"]);
  });

  it("as a dry run answers the result and stores nothing", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red" }));
    const request = { type: "merge", body: { spec: { color: "green" } } } as const;
    const { object } = server.patch(birds, inShop("tit"), request, { dryRun: true });
    expect([read(object, "spec.color"), read(object, "metadata.generation")]).toEqual(["green", 2]);
    expect(read(server.get(birds, inShop("tit")), "spec.color")).toBe("red");
  });

  it("of a scale sets the replicas", () => {
    const { server, deployments, birds } = testApi();
    server.create(deployments, "shop", deployment());
    server.create(birds, "shop", bird({ color: "red" }));
    for (const resource of [deployments, birds]) {
      const name = resource === birds ? "tit" : "app";
      const request = { type: "merge", body: { spec: { replicas: 3 } } } as const;
      const scale = server.patch(resource, inShop(name), request, { subresource: "scale" }).object;
      expect(scale).toMatchObject({ kind: "Scale", spec: { replicas: 3 } });
      expect(read(server.get(resource, inShop(name)), "spec.replicas")).toBe(3);
    }
    expect(server.get(deployments, inShop("app"), "scale")).toMatchObject({ status: { selector: "app=app" } });
  });
});

describe("built-in kinds", () => {
  it("get the defaults of a real API server", () => {
    const { server, deployments } = testApi();
    const { object } = server.create(deployments, "shop", deployment());
    expect(object["spec"]).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    });
    expect(read(object, "spec.template.spec")).toMatchObject({
      dnsPolicy: "ClusterFirst",
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      containers: [{ imagePullPolicy: "IfNotPresent", ports: [{ containerPort: 80, protocol: "TCP" }] }],
    });
  });

  it("give a Service its own address and target ports, and keep the address", () => {
    const { server } = testApi();
    const services = server.resource("", "v1", "services");
    const make = (name: string) =>
      server.create(services, "shop", { metadata: { name }, spec: { ports: [{ port: 80 }] } }).object;
    const [one, two] = [make("one"), make("two")];
    expect(one["spec"]).toMatchObject({ type: "ClusterIP", ports: [{ port: 80, targetPort: 80, protocol: "TCP" }] });
    expect(read(one, "spec.clusterIP")).toMatch(/^10\.96\.\d+\.\d+$/);
    expect(read(one, "spec.clusterIP")).not.toBe(read(two, "spec.clusterIP"));
    const body = { metadata: { name: "one" }, spec: { ports: [{ port: 81 }] } };
    const updated = server.update(services, inShop("one"), body).object;
    expect(read(updated, "spec.clusterIP")).toBe(read(one, "spec.clusterIP"));
  });

  it.each([
    [
      "a changed selector",
      deployment({ selector: { matchLabels: { app: "app", x: "y" } } }),
      /spec.selector: Invalid value: .*: field is immutable/,
    ],
    [
      "a selector that misses the template",
      deployment({ selector: { matchLabels: { app: "b" } } }),
      /`selector` does not match template `labels`/,
    ],
    [
      "negative replicas",
      deployment({ replicas: -1 }),
      /spec.replicas: Invalid value: -1: must be greater than or equal to 0/,
    ],
    [
      "no image",
      deployment({ template: { metadata: { labels: { app: "app" } }, spec: { containers: [{ name: "a" }] } } }),
      /containers\[0\].image: Required value/,
    ],
  ])("are refused with %s", (_what, body, message) => {
    const { server, deployments } = testApi();
    server.create(deployments, "shop", deployment());
    expect(sentences(() => server.update(deployments, inShop("app"), body)).join("\n")).toMatch(message);
  });

  it("may hold loopback addresses in an EndpointSlice, since the sandbox's pods live there", () => {
    const { server } = testApi();
    const slices = server.resource("discovery.k8s.io", "v1", "endpointslices");
    const body = { metadata: { name: "a" }, addressType: "IPv4", endpoints: [{ addresses: ["127.0.0.2"] }] };
    expect(server.create(slices, "shop", body).object).toMatchObject({ endpoints: [{ addresses: ["127.0.0.2"] }] });
  });

  it("show one event under both groups, in the words of each", () => {
    const { server } = testApi();
    const regarding = { kind: "Bird", name: "tit", namespace: "shop" };
    const reporter = { reportingController: "aviary.dev/aviary", reportingInstance: "a", action: "Fly" };
    const what = {
      regarding,
      note: "it flies",
      reason: "Up",
      type: "Normal",
      eventTime: "2026-01-01T00:00:00.000000Z",
    };
    const event = { metadata: { name: "e" }, ...what, ...reporter };
    server.create(server.resource("events.k8s.io", "v1", "events"), "shop", event);
    const core = server.resource("", "v1", "events");
    const query = { namespace: "shop", fieldSelector: "involvedObject.name=tit" };
    expect(server.list(core, query).items).toMatchObject([
      { apiVersion: "v1", message: "it flies", involvedObject: regarding },
    ]);
    const modern = server.get(server.resource("events.k8s.io", "v1", "events"), inShop("e"));
    expect(modern).toMatchObject({ apiVersion: "events.k8s.io/v1", note: "it flies", regarding });
  });
});

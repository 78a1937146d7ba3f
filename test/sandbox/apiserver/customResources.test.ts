import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { createApiServer } from "../../../src/sandbox/apiserver/apiServer.ts";
import { validateDefinition } from "../../../src/sandbox/apiserver/crds.ts";
import { installDefinitions, installGatewayApi } from "../../../src/sandbox/apiserver/gatewayApi.ts";
import { nameOf, withValue } from "../../../src/sandbox/apiserver/json.ts";
import type { JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import { definitions } from "../../../src/sandbox/definitions.ts";
import { BIRD_DEFINITION, bird, inShop, read, refusal, sentences, testApi } from "./birds.ts";

const SKIPPED =
  "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

describe("a custom resource is refused in the words of kube-apiserver", () => {
  it.each<[JsonObject, string[]]>([
    [{ color: "blue" }, ['spec.color: Unsupported value: "blue": supported values: "red", "green"', SKIPPED]],
    [{}, ["spec.color: Required value", SKIPPED]],
    [
      { color: "red", replicas: -1 },
      [
        "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0",
        ".spec.replicas: Invalid value: -1: should be a non-negative integer",
      ],
    ],
    [
      { color: "red", replicas: "5" },
      [
        'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
        ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: 5 is of the type string, expected int64",
        SKIPPED,
      ],
    ],
    [
      { color: "red", grown: 1 },
      ['spec.grown: Invalid value: "integer": spec.grown in body must be of type boolean: "integer"', SKIPPED],
    ],
    [{ color: "red", note: "abcdef" }, ["spec.note: Too long: may not be more than 5 bytes", SKIPPED]],
    [{ color: "red", note: "A" }, [`spec.note: Invalid value: "A": spec.note in body should match '^[a-z]*$'`]],
    [{ color: "red", steps: [] }, ["spec.steps: Invalid value: 0: spec.steps in body should have at least 1 items"]],
    [
      { color: "red", steps: [{ weight: 101 }] },
      ["spec.steps[0].weight: Invalid value: 101: spec.steps[0].weight in body should be less than or equal to 100"],
    ],
    [{ color: "red", steps: [{ weight: 1 }, {}] }, ["spec.steps[1]: Invalid value: a step needs a weight or a hold"]],
    [{ color: "red", steps: [{ hold: null }] }, ["spec.steps[0]: Invalid value: a step needs a weight or a hold"]],
    [{ color: "red", gates: [{ name: "a" }, { name: "a" }] }, ['spec.gates[1]: Duplicate value: {"name":"a"}']],
    [{ color: "red", tags: ["a", "a"] }, ['spec.tags[1]: Duplicate value: "a"']],
    [{ color: "red", tags: ["a", "b", "c", "d"] }, ["spec.tags: Too many: 4: must have at most 3 items", SKIPPED]],
    [
      { color: "red", strategy: { canary: {}, abTest: {} } },
      ["spec.strategy: Invalid value: choose exactly one of canary, abTest, blueGreen; found canary abTest"],
    ],
    [
      { color: "red", strategy: {} },
      ["spec.strategy: Invalid value: choose exactly one of canary, abTest, blueGreen; found"],
    ],
    [
      { color: "red", hold: "1 minute" },
      ['spec.hold: Invalid value: "1 minute": must be a duration such as 30s, 5m or 1h30m'],
    ],
    [{ color: "red", min: 3, max: 2 }, ["spec: Invalid value: min must not exceed max"]],
    [
      { color: "red", port: true },
      ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"', SKIPPED],
    ],
  ])("%j", (spec, expected) => {
    const { server, birds } = testApi();
    expect(sentences(() => server.create(birds, "shop", bird(spec)))).toEqual(expected);
  });

  it("in one sentence when there is one error, and in brackets when there are more", () => {
    const { server, birds } = testApi();
    const message = (spec: JsonObject) => refusal(() => server.create(birds, "shop", bird(spec))).message;
    expect(message({ color: "red", hold: "x" })).toBe(
      'Bird.example.dev "tit" is invalid: spec.hold: Invalid value: "x": must be a duration such as 30s, 5m or 1h30m',
    );
    expect(message({ color: "red", hold: "x", min: 3, max: 2 })).toBe(
      'Bird.example.dev "tit" is invalid: [spec: Invalid value: min must not exceed max, spec.hold: Invalid value: "x": must be a duration such as 30s, 5m or 1h30m]',
    );
  });
});

describe("a change of a custom resource is refused", () => {
  it.each<[JsonObject, JsonObject, string]>([
    [
      { targetRef: { name: "a" } },
      { targetRef: { name: "b" } },
      "spec.targetRef: Forbidden: targetRef cannot be changed",
    ],
    [{ once: "a" }, { once: null }, "spec.once: Invalid value: once cannot be removed"],
    [{ age: 3 }, { age: 2 }, "spec.age: Invalid value: 2: age never goes back"],
  ])("from %j to %j", (before, after, sentence) => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red", ...before }));
    const change = () => server.patch(birds, inShop("tit"), { type: "merge", body: { spec: after } });
    expect(sentences(change)).toEqual([sentence]);
  });

  it("but not for what was wrong before and did not change", () => {
    const { server, birds } = testApi();
    server.create(birds, "shop", bird({ color: "red", note: "ok", hold: "5m" }));
    const tightened = parse(
      BIRD_DEFINITION.replace("enum: [red, green]", "enum: [green]").replace("(ms|s|m|h))+$')", () => "(s))+$')"),
    ) as JsonObject;
    const definitions = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    server.patch(definitions, { name: "birds.example.dev" }, { type: "merge", body: tightened });
    const now = server.resource("example.dev", "v1", "birds");
    const change = (spec: JsonObject) => server.patch(now, inShop("tit"), { type: "merge", body: { spec } });
    const { warnings } = change({ note: "new" });
    expect(warnings).toEqual(["spec.hold: must be a duration such as 30s, 5m or 1h30m"]);
    expect(refusal(() => change({ hold: "6m" })).message).toContain("must be a duration");
  });
});

describe("fields that the schema does not know", () => {
  const spec = { color: "red", strateggy: {}, gates: [{ name: "a", knd: "x" }], extra: { any: 1 }, labels: { a: "b" } };

  it("are refused when validation is strict, all of them named", () => {
    const { server, birds } = testApi();
    const error = refusal(() => server.create(birds, "shop", bird(spec), { fieldValidation: "Strict" }));
    expect([error.code, error.message]).toEqual([
      400,
      'Bird in version "v1" cannot be handled as a Bird: strict decoding error: unknown field "spec.gates[0].knd", unknown field "spec.strateggy"',
    ]);
  });

  it("are dropped with a warning, or without one", () => {
    const { server, birds } = testApi();
    const { object, warnings } = server.create(birds, "shop", bird(spec));
    expect(warnings).toEqual(['unknown field "spec.gates[0].knd"', 'unknown field "spec.strateggy"']);
    expect(object["spec"]).toEqual({
      color: "red",
      replicas: 1,
      gates: [{ name: "a", kind: "approval" }],
      extra: { any: 1 },
      labels: { a: "b" },
    });
    const silent = server.create(birds, "shop", bird(spec, { name: "jay" }), { fieldValidation: "Ignore" });
    expect(silent.warnings).toEqual([]);
  });

  it("are known for built-in kinds as well", () => {
    const { server, deployments } = testApi();
    const body = { metadata: { name: "a" }, spec: { replicass: 1, selector: {}, template: {} } };
    const error = refusal(() => server.create(deployments, "shop", body, { fieldValidation: "Strict" }));
    expect(error.message).toContain('unknown field "spec.replicass"');
    const wrong = { metadata: { name: "a" }, spec: { replicas: "1" } };
    expect(refusal(() => server.create(deployments, "shop", wrong)).code).toBe(400);
  });
});

describe("a definition", () => {
  const definition = parse(BIRD_DEFINITION) as JsonObject;

  it("is established at once", () => {
    const { server } = testApi();
    const definitions = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    const conditions = read(server.get(definitions, { name: "birds.example.dev" }), "status.conditions");
    expect(conditions).toContainEqual(expect.objectContaining({ type: "Established", status: "True" }));
  });

  it("whose rule does not parse is refused, with its place", () => {
    const server = createApiServer();
    const broken = parse(BIRD_DEFINITION.replace("self.min <= self.max", "self.min <=")) as JsonObject;
    const refused = sentences(() => {
      installDefinitions(server, [broken]);
    });
    expect(refused[0]).toMatch(
      /^spec\.versions\[0\]\.schema\.openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[1\]\.rule: Invalid value: .*compilation failed/,
    );
  });

  it("must be called after its plural and group", () => {
    const { server } = testApi();
    const named = withValue(definition, ["metadata", "name"], "wrong.example.dev");
    expect(
      refusal(() => {
        installDefinitions(server, [named]);
      }).message,
    ).toContain("must be spec.names.plural");
  });
});

// They are taken as they are, unread: to compile their rules takes longer than a simulation.
describe("the definitions that come with Aviary", () => {
  const shipped = [...definitions().aviary, ...definitions().gatewayApi];
  it.each(shipped.map((definition) => [nameOf(definition), definition] as const))("%s is valid", (_name, one) => {
    expect(validateDefinition(one)).toEqual([]);
  });
});

describe("the Gateway API of the sandbox", () => {
  it("serves its kinds", () => {
    const { server } = testApi();
    installGatewayApi(server);
    const kinds = server.registry
      .all()
      .filter(({ group }) => group === "gateway.networking.k8s.io")
      .map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(
      new Set(["Gateway", "GatewayClass", "GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "ReferenceGrant"]),
    );
    expect(definitions().gatewayApi).toHaveLength(8);
  });

  const route = (backend: JsonObject): JsonObject => ({
    metadata: { name: "app" },
    spec: { parentRefs: [{ name: "gw" }], rules: [{ backendRefs: [backend] }] },
  });

  it("fills in a route's defaults", () => {
    const { server } = testApi();
    installGatewayApi(server);
    const routes = server.resource("gateway.networking.k8s.io", "v1", "httproutes");
    const { object } = server.create(routes, "shop", route({ name: "app", port: 80 }));
    expect(object["spec"]).toEqual({
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw" }],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          backendRefs: [{ group: "", kind: "Service", name: "app", port: 80, weight: 1 }],
        },
      ],
    });
  });

  it.each<[JsonObject, string]>([
    [{ name: "app", port: 80, weight: 1_000_001 }, "should be less than or equal to 1000000"],
    [{ name: "app", port: 80, weight: -1 }, "should be greater than or equal to 0"],
    [{ name: "app" }, "Must have port for Service reference"],
  ])("refuses the backend %j", (backend, sentence) => {
    const { server } = testApi();
    installGatewayApi(server);
    const routes = server.resource("gateway.networking.k8s.io", "v1", "httproutes");
    expect(refusal(() => server.create(routes, "shop", route(backend))).message).toContain(sentence);
  });

  it("treats a route's rules as one field", () => {
    const { server } = testApi();
    installGatewayApi(server);
    const routes = server.resource("gateway.networking.k8s.io", "v1", "httproutes");
    server.create(routes, "shop", route({ name: "app", port: 80 }), { fieldManager: "aviary" });
    const body = { ...route({ name: "app", port: 81 }), apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" };
    const applying = () => server.patch(routes, inShop("app"), { type: "apply", body }, { fieldManager: "git" });
    expect(refusal(applying).message).toMatch(/conflicts with "aviary" .*:\n- \.spec\.parentRefs\n- \.spec\.rules$/);
  });
});

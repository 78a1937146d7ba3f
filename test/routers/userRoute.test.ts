import { describe, expect, it } from "vitest";
import type { GatewayRoute } from "../../src/kube/objects.ts";
import { gatewayAPI } from "../../src/routers/gatewayAPI.ts";
import type { RouteInput } from "../../src/routers/router.ts";
import { applyWrites, type Objects, objectsOf } from "./cluster.ts";
import { backends, ref, route } from "./samples.ts";

const plain = route([{ backendRefs: [ref("podinfo-primary", 100), ref("podinfo-canary", 0)] }]);
const small = route([{ backendRefs: [ref("podinfo-primary", 1), ref("podinfo-canary", 0), ref("other", 2)] }]);
const apexOnly = route([{ backendRefs: [ref("podinfo", 100)] }]);
const { annotations: _annotations, ...bare } = plain.metadata;
const unannotated: GatewayRoute = { ...plain, metadata: bare };

function planned(objects: Objects, weight: number, addBackends = false) {
  const block = gatewayAPI.schema.parse({ routeRefs: [{ name: "podinfo", addBackends }] });
  return gatewayAPI.plan({ block, backends, objects }, { weight });
}

function weights(objects: Objects): readonly (number | undefined)[] {
  const object = objects.get("HTTPRoute/shop/podinfo") as GatewayRoute;
  return (object.spec.rules ?? []).flatMap((rule) => rule.backendRefs?.map(({ weight }) => weight) ?? []);
}

describe("a patch computed from an old copy of the route", () => {
  it("takes traffic off the canary all the same", () => {
    const old = objectsOf([plain]);
    const now = applyWrites(applyWrites(old, planned(old, 10)), planned(applyWrites(old, planned(old, 10)), 20));
    const stale = planned(applyWrites(old, planned(old, 10)), 0);
    expect(weights(applyWrites(now, stale))).toEqual([100, 0]);
  });

  it("is refused when it would make the weights grow twice", () => {
    const old = objectsOf([small]);
    const writes = planned(old, 5);
    const now = applyWrites(old, writes);
    expect(weights(now)).toEqual([95, 5, 200]);
    expect(() => applyWrites(now, writes)).toThrow();
  });

  it("is refused when it would add the canary twice", () => {
    const old = objectsOf([apexOnly]);
    const writes = planned(old, 5, true);
    const now = applyWrites(old, writes);
    expect(weights(now)).toEqual([95, 5]);
    expect(() => applyWrites(now, writes)).toThrow();
  });

  it("is refused when it would wipe out annotations that were added meanwhile", () => {
    const writes = planned(objectsOf([unannotated]), 5);
    const annotated = { ...plain, metadata: { ...plain.metadata, resourceVersion: "8" } };
    expect(() => applyWrites(objectsOf([annotated]), writes)).toThrow();
  });

  it("is refused when the rule of the given name has moved", () => {
    const rules = [{ name: "web", backendRefs: plain.spec.rules?.[0]?.backendRefs ?? [] }];
    const block = gatewayAPI.schema.parse({ routeRefs: [{ name: "podinfo", ruleName: "web" }] });
    const input: RouteInput<typeof block> = { block, backends, objects: objectsOf([route(rules)]) };
    const moved = route([{ name: "api", backendRefs: rules[0]?.backendRefs ?? [] }, ...rules]);
    expect(() => applyWrites(objectsOf([moved]), gatewayAPI.plan(input, { weight: 20 }))).toThrow();
  });
});

describe("the annotation with the weights", () => {
  it("is put back when somebody takes it away during a rollout", () => {
    const shifted = applyWrites(objectsOf([plain]), planned(objectsOf([plain]), 20));
    const object = shifted.get("HTTPRoute/shop/podinfo") as GatewayRoute;
    const stripped = objectsOf([{ ...object, metadata: plain.metadata }]);
    const again = applyWrites(stripped, planned(stripped, 20)).get("HTTPRoute/shop/podinfo");
    expect(again?.metadata.annotations).toEqual(object.metadata.annotations);
  });

  it("says 100 and 0 after a rollout, and nothing after the release", () => {
    const block = gatewayAPI.schema.parse({ routeRefs: [{ name: "podinfo" }] });
    const shifted = applyWrites(objectsOf([plain]), planned(objectsOf([plain]), 20));
    const back = applyWrites(shifted, planned(shifted, 0));
    expect(back.get("HTTPRoute/shop/podinfo")?.metadata.annotations).toMatchObject({
      "aviary.dev/weights": "podinfo-primary=100,podinfo-canary=0",
    });
    const released = applyWrites(back, gatewayAPI.release({ block, backends, objects: back }));
    expect(released.get("HTTPRoute/shop/podinfo")?.metadata.annotations).toEqual(plain.metadata.annotations);
  });
});

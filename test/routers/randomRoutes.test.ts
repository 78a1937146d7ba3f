import { describe, expect, it } from "vitest";
import type { BackendRef, GatewayRoute, RouteRule } from "../../src/kube/objects.ts";
import { gatewayAPI, type GatewayAPIBlock } from "../../src/routers/gatewayAPI.ts";
import { MAX_WEIGHT } from "../../src/routers/pairWeights.ts";
import type { RouteInput } from "../../src/routers/router.ts";
import { applyWrites, type Objects, objectsOf } from "./cluster.ts";
import { backends, ref, route, withoutWeights } from "./samples.ts";

const SEEDS = 500;

describe("any route", () => {
  it("keeps its traffic as it was but for the share of the canary", () => {
    let usable = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) if (holds(seed)) usable += 1;
    expect(usable).toBeGreaterThan(SEEDS / 4);
  });

  it("leaves alone what it cannot split", () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { input, objects } = situation(seed);
      if (gatewayAPI.read(input).problem?.reason !== "BackendsMissing") continue;
      expect(gatewayAPI.plan(input, { weight: 50 }), `seed ${seed}`).toEqual([]);
      expect(applyWrites(objects, gatewayAPI.release(input)), `seed ${seed}`).toEqual(objects);
    }
  });
});

function holds(seed: number): boolean {
  const { input, objects, random } = situation(seed);
  if (gatewayAPI.read(input).problem !== undefined) return false;
  const before = routeOf(objects);
  let current = objects;
  for (let shift = 0; shift < 3; shift += 1) {
    const weight = Math.floor(random() * 101);
    current = applyWrites(current, gatewayAPI.plan({ ...input, objects: current }, { weight }));
    const next = { ...input, objects: current };
    const told = `seed ${seed}, weight ${weight}`;
    expect(gatewayAPI.read(next), told).toMatchObject({ weight, uniform: true });
    expect(gatewayAPI.plan(next, { weight }), told).toEqual([]);
    comparable(before, routeOf(current), told);
  }
  return true;
}

/** Same shares for everybody else, and nothing but weights changed. */
function comparable(before: GatewayRoute, after: GatewayRoute, told: string): void {
  const all = (before.spec.rules ?? []).map((_, index) => index);
  expect(withoutWeights(after, all), told).toEqual(withoutWeights(before, all));
  for (const index of all) {
    const old = weightsOf(before.spec.rules?.[index]);
    const now = weightsOf(after.spec.rules?.[index]);
    const names = before.spec.rules?.[index]?.backendRefs?.map(({ name }) => name) ?? [];
    if (total(old) > 0) {
      for (const [at, name] of names.entries()) {
        if (name.startsWith("podinfo")) continue;
        expect((now[at] ?? 0) / total(now), told).toBeCloseTo((old[at] ?? 0) / total(old), 9);
      }
    }
    if (now.join() === old.join()) continue;
    expect(total(now), told).toBeGreaterThan(0);
    expect(
      now.every((weight) => Number.isInteger(weight) && weight >= 0 && weight <= MAX_WEIGHT),
      told,
    ).toBe(true);
  }
}

function situation(seed: number) {
  const random = generator(seed);
  const rules = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => anyRule(random, index));
  const annotated = random() < 0.5 ? { annotations: { "example.com/owner": "a" } } : {};
  const { annotations: _none, ...bare } = route([]).metadata;
  const object: GatewayRoute = { ...route(rules), metadata: { ...bare, ...annotated } };
  const ruleName = random() < 0.2 ? { ruleName: "rule-0" } : {};
  const routeRef = { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "podinfo", ...ruleName } as const;
  const objects = objectsOf([object]);
  const input: RouteInput<GatewayAPIBlock> = { block: { routeRefs: [routeRef] }, backends, objects };
  return { input, objects, random };
}

function anyRule(random: () => number, index: number): RouteRule {
  const names = ["podinfo-primary", "podinfo-canary", "podinfo", "other", "another"];
  const refs: BackendRef[] = [];
  for (const name of shuffled(names, random)) {
    if (random() < 0.3) continue;
    const weight = [undefined, 0, 1, 3, 100, 999, 40_000][Math.floor(random() * 7)];
    const foreign = random() < 0.1 ? { namespace: "elsewhere" } : random() < 0.1 ? { kind: "Other" } : {};
    refs.push({ ...ref(name, weight, foreign), ...(random() < 0.2 ? { future: { deep: [name] } } : {}) });
  }
  return { name: `rule-${index}`, backendRefs: refs, ...(random() < 0.3 ? { unknown: { field: true } } : {}) };
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function routeOf(objects: Objects): GatewayRoute {
  return objects.get("HTTPRoute/shop/podinfo") as GatewayRoute;
}

function weightsOf(rule: RouteRule | undefined): readonly number[] {
  return (rule?.backendRefs ?? []).map(({ weight }) => weight ?? 1);
}

function total(weights: readonly number[]): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** Mulberry32: small, seeded, good enough to vary inputs. */
function generator(seed: number): () => number {
  let state = seed + 0x6d2b79f5;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

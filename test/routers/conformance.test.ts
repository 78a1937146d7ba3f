import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/port.ts";
import { routers } from "../../src/routers/index.ts";
import { type RouteInput, routeKey, type Router } from "../../src/routers/router.ts";
import { applyWrites, contentOf, type Objects, objectsOf } from "./cluster.ts";
import { backends, type RouterSample, samples } from "./samples.ts";

const WEIGHTS = Array.from({ length: 101 }, (_, weight) => weight);

describe.each(routers)("router $name", (router) => {
  const own = samples.filter((sample) => sample.router === router.name);

  it("has a sample, a described schema and a settle time", () => {
    expect(own.length).toBeGreaterThan(0);
    expect(router.schema.meta()?.description).toBeTruthy();
    expect(router.settleMs).toBeGreaterThan(0);
  });

  describe.each(own)("with $title", (sample) => {
    const block = router.schema.parse(sample.block);
    const inputOf = (objects: Objects): RouteInput<unknown> => ({ block, backends, objects });
    const start = objectsOf(sample.objects);
    const write = (objects: Objects, weight: number) => applyWrites(objects, router.plan(inputOf(objects), { weight }));
    /** Until there is nothing more to write: once, or once more where the cluster has to follow in between. */
    const shift = (objects: Objects, weight: number) => {
      const written = write(objects, weight);
      if (sample.follow === undefined) return written;
      sample.follow(written);
      return write(written, weight);
    };

    it("reads back every weight that it wrote, and then has nothing more to write", () => {
      let objects = start;
      for (const weight of [...WEIGHTS, ...WEIGHTS.toReversed(), 7, 93, 1, 100, 0]) {
        objects = shift(objects, weight);
        const view = router.read(inputOf(objects));
        expect(view).toMatchObject({ weight, uniform: true });
        expect(view.problem).toBeUndefined();
        expect(router.plan(inputOf(objects), { weight })).toEqual([]);
      }
    });

    it.skipIf(sample.connections)(
      "leads what an A/B test matches to the canary beside the weight, and takes it away again in one go",
      () => {
        const headers = [{ name: "x-beta", value: "yes", type: "Exact" }] as const;
        const demand = { matches: [{ headers, queryParams: [] }], mirrors: [] };
        const asked = (objects: Objects) => ({ ...inputOf(objects), demand });
        const before = shift(shift(start, 30), 0);
        let objects = before;
        for (const share of [{ weight: 0 }, { weight: 0, matched: true }, { weight: 30, matched: true }] as const) {
          objects = applyWrites(objects, router.plan(asked(objects), share));
          expect(router.read(asked(objects))).toMatchObject({ ...share, uniform: true });
          expect(router.read(asked(objects)).problem).toBeUndefined();
          expect(router.plan(asked(objects), share)).toEqual([]);
        }
        const observed = router.refs(block, backends).map(routeKey);
        expect(observed).toEqual(expect.arrayContaining([...objects.keys()].filter((key) => !start.has(key))));
        // Also when the strategy is another one by then.
        const after = applyWrites(objects, router.plan(inputOf(objects), { weight: 0 }));
        expect(contentsOf(after)).toEqual(contentsOf(before));
        const released = applyWrites(objects, router.release(inputOf(objects)));
        expect(released.size).toBe(applyWrites(before, router.release(inputOf(before))).size);
      },
    );

    it.skipIf(router.name === "nginx" || sample.connections)(
      "mirrors beside the weight, and leaves no trace of it",
      () => {
        const demand = { matches: [], mirrors: [{ percent: 5, allMethods: true }] };
        const asked = (objects: Objects) => ({ ...inputOf(objects), demand });
        const before = shift(start, 0);
        let objects = before;
        for (const mirror of [5, 100, 40]) {
          objects = applyWrites(objects, router.plan(asked(objects), { weight: 0, mirror }));
          expect(router.read(asked(objects))).toMatchObject({ weight: 0, mirror, uniform: true });
          expect(router.plan(asked(objects), { weight: 0, mirror })).toEqual([]);
        }
        expect(contentsOf(applyWrites(objects, router.plan(inputOf(objects), { weight: 0 })))).toEqual(
          contentsOf(before),
        );
      },
    );

    it("writes the same weights whatever was there before", () => {
      const direct = contentsOf(shift(start, 37));
      expect(contentsOf(shift(shift(shift(start, 80), 3), 37))).toEqual(direct);
    });

    it("keeps both backends listed and never lets the weights sum to 0", () => {
      for (const weight of WEIGHTS) {
        const splits = [write, shift].flatMap((move) => sample.splits([...move(start, weight).values()]));
        expect(splits.length).toBeGreaterThan(0);
        for (const split of splits) {
          expect(Object.values(split).reduce((sum, part) => sum + part, 0)).toBeGreaterThan(0);
          expect(Object.keys(split)).toContain(backends.canary);
        }
      }
    });

    it("leaves all other fields of the user's objects as they are, byte for byte", () => {
      const before = sample.objects.map((object) => JSON.stringify(sample.foreign(object)));
      for (const weight of WEIGHTS) {
        expect(foreignOf(sample, shift(start, weight))).toEqual(before);
      }
    });

    it("observes every object that it writes", () => {
      const observed = router.refs(block, backends).map(routeKey);
      const written = writesOf(router, inputOf(start), inputOf(shift(start, 20))).map((write) => routeKey(write.ref));
      expect(observed).toEqual(expect.arrayContaining(written));
    });

    it("applies and deletes only objects that the user did not make, and patches only those that the user made", () => {
      for (const write of writesOf(router, inputOf(start), inputOf(shift(start, 20)))) {
        expect(start.has(routeKey(write.ref))).toBe(write.type === "jsonPatch");
      }
    });

    it("hands the objects back at the end, once", () => {
      const shifted = shift(shift(start, 20), 60);
      const released = applyWrites(shifted, router.release(inputOf(shifted)));
      expect(router.release(inputOf(released))).toEqual([]);
      if (sample.released === undefined) expect(contentsOf(released)).toEqual(contentsOf(start));
      else expect(sample.released.of([...released.values()])).toEqual(sample.released.is);
    });

    it("has nothing to hand back when it never wrote anything", () => {
      expect(router.release(inputOf(start))).toEqual([]);
    });

    it.skipIf(sample.rename === undefined)("has its patch refused when the names have changed under it", () => {
      const renamed = new Map([...start].map(([key, object]) => [key, sample.rename?.(object) ?? object]));
      const writes = router.plan(inputOf(start), { weight: 20 });
      expect(writes).not.toEqual([]);
      expect(() => applyWrites(renamed, writes)).toThrow();
    });

    it("shifts although somebody else wrote to the objects meanwhile", () => {
      const objects = shift(start, 20);
      const writes = router.plan(inputOf(objects), { weight: 50 });
      const touched = new Map([...objects].map(([key, object]) => [key, touch(object)]));
      const after = applyWrites(touched, writes);
      expect(router.read(inputOf(after)).weight).toBe(50);
      for (const object of after.values()) expect(object.metadata.labels).toMatchObject({ touched: "yes" });
    });
  });
});

function writesOf(router: Router, first: RouteInput<unknown>, second: RouteInput<unknown>) {
  return [...router.plan(first, { weight: 20 }), ...router.plan(second, { weight: 50 }), ...router.release(second)];
}

function contentsOf(objects: Objects): readonly string[] {
  return [...objects.values()].map(contentOf);
}

function foreignOf(sample: RouterSample, objects: Objects): readonly string[] {
  return sample.objects.map(({ kind, metadata }) => {
    const object = objects.get(`${kind}/${metadata.namespace ?? ""}/${metadata.name}`);
    return object === undefined ? "gone" : JSON.stringify(sample.foreign(object));
  });
}

function touch(object: KubeObject): KubeObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      resourceVersion: `${metadata.resourceVersion ?? ""}9`,
      labels: { ...metadata.labels, touched: "yes" },
    },
  };
}

import { expect, it } from "vitest";
import { createInformers } from "../../src/kube/informers.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod } from "../../src/kube/objects.ts";
import type { Kube, KubeObject, WatchEvent } from "../../src/kube/port.ts";
import type { Clock } from "../../src/lib/time.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { createVirtualClock } from "../virtualClock.ts";
import { aDeployment, release, startWorldOn } from "./world.ts";

/** The port with watches that tell everything later than it happened. */
function lagging(kube: Kube, clock: Clock, lagMs: number): Kube {
  const later = () => new Promise<void>((resolve) => void clock.after(lagMs, resolve));
  return {
    ...kube,
    async *watch<T extends KubeObject>(...call: Parameters<Kube["watch"]>): AsyncIterable<WatchEvent<T>> {
      for await (const event of kube.watch<T>(...call)) {
        await later();
        yield event;
      }
    },
  };
}

it("makes and removes no pod twice, though its watches tell it late", async () => {
  const clock = createVirtualClock();
  const kube = createMemoryKube({ now: () => clock.now() });
  const informers = createInformers(lagging(kube, clock, 300), clock, { random: () => 0 });
  const world = await startWorldOn({ kube, informers, clock, runtime: createInstantRuntime() });
  const names = new Set<string>();
  let most = 0;
  const count = async (): Promise<void> => {
    const { items } = await kube.list<Pod>(kinds.pod);
    for (const { metadata } of items) names.add(metadata.name);
    most = Math.max(most, items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length);
  };
  await kube.create(kinds.deployment, aDeployment({ replicas: 3, spec: SURGE }));
  for (let look = 0; look < 300; look++) {
    await clock.advance(100);
    await count();
  }
  expect(names.size).toBe(3);
  await release(kube, { version: "2" });
  for (let look = 0; look < 900; look++) {
    await clock.advance(100);
    await count();
  }
  expect(names.size).toBe(6);
  expect(most).toBe(4);
  await world.stop();
  expect(world.logs).toEqual([]);
});

const SURGE = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };

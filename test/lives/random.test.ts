import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod } from "../../src/kube/objects.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { startLife } from "./life.ts";
import type { Life } from "./life.ts";
import { backend, NAMESPACE } from "./manifests.ts";
import { all } from "./watchman.ts";

/** `npm run test:lives` tries more. */
const SEEDS = process.env["AVIARY_LIVES"] === "all" ? 40 : 5;
const EVENTS = 12;
const resting = new Set(["Idle", "Succeeded", "Failed"]);

interface World {
  readonly life: Life;
  readonly random: () => number;
  /** Versions that somebody asked to be promoted without judgement, or past a step. */
  readonly forced: Set<string>;
  prometheus: "up" | "down";
  released: number;
}

type Happening = (world: World) => Promise<void>;

const web = { namespace: NAMESPACE, name: "web" };
const pick = <T>(random: () => number, values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;

/** Whatever users, GitOps tools and clusters do. A version with a `b` is bad. */
const happenings: Readonly<Record<string, Happening>> = {
  releaseGood: (world) => world.life.release(`${++world.released}`),
  releaseBad: (world) => world.life.release(`${++world.released}b`),
  releaseBroken: (world) => world.life.release(`${++world.released}`, { CRASH: "true" }),
  releaseSlow: (world) => world.life.release(`${++world.released}`, { START_DELAY_MS: "7000" }),
  revert: ({ life }) => life.release(/:(\w+)$/.exec(life.status().promoted?.images?.[0] ?? "")?.[1] ?? "1"),
  restart: ({ life }) => life.restart(),
  async action({ life, random, forced }) {
    const action = pick(random, ["Approve", "Pause", "Resume", "Promote", "PromoteFull", "Skip", "Abort", "Retry"]);
    const version = life.status().rollout?.images?.[0];
    const answer = await life.act(action);
    if (!answer.startsWith("Applied")) return;
    if (action.startsWith("Promote")) forced.add(version ?? "");
    if (action === "Skip") forced.add(life.status().rollout?.images?.[0] ?? "");
  },
  async suspend({ life, random }) {
    await life.patchCanary({ suspend: random() < 0.5 });
  },
  async prometheus(world) {
    world.prometheus = world.prometheus === "up" ? "down" : "up";
    await Promise.resolve();
  },
  // What these do to users before Aviary has acted is not its doing.
  editRoute: (world) =>
    tolerating(world.life, async () => {
      const weight = pick(world.random, [0, 1, 30, 100]);
      const rules = [{ backendRefs: [backend("web-primary", 100 - weight), backend("web-canary", weight)] }];
      await world.life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules } });
    }),
  killPods: (world) =>
    tolerating(world.life, async () => {
      const pods = all<Pod>(world.life.server, kinds.pod).filter(({ metadata }) => metadata.labels?.["app"] === "web");
      for (const { metadata } of pods) {
        await world.life.kube.delete(kinds.pod, { namespace: NAMESPACE, name: metadata.name });
      }
    }),
};

async function tolerating(life: Life, happening: () => Promise<void>): Promise<void> {
  const { length } = life.outages;
  const breaches = life.breaches.length;
  await happening();
  await life.pass(1_500);
  life.outages.length = length;
  life.breaches.length = breaches;
}

/** A bad version shows in the metrics as soon as it has users. */
function reading({ life, prometheus }: World): ReturnType<Life["ask"]> {
  if (prometheus === "down") return { kind: "unreachable", message: "connection refused" };
  const image = life.status().rollout?.images?.[0] ?? "";
  return { kind: "value", value: image.endsWith("b") ? 0.1 : 1 };
}

async function live(seed: number): Promise<{ world: World; happened: string[] }> {
  const random = seededRandom(seed);
  const life = await startLife({ spec: { progressDeadlineSeconds: 40 } });
  const world: World = { life, random, forced: new Set(), prometheus: "up", released: 1 };
  life.ask = () => reading(world);
  const happened: string[] = [];
  await life.until("adoption", ({ phase }) => phase === "Idle");
  for (let event = 0; event < EVENTS; event++) {
    const name = pick(random, Object.keys(happenings));
    happened.push(name);
    await happenings[name]?.(world);
    await life.pass(Math.floor(random() * 25_000));
    const image = life.status().promoted?.images?.[0] ?? "";
    if (image.endsWith("b") && !world.forced.has(image)) life.breaches.push(`${image} was promoted, and is bad`);
  }
  world.prometheus = "up";
  await life.patchCanary({ suspend: false });
  await life.pass(1_000);
  if (life.status().rollout?.paused !== undefined) await life.act("Resume");
  return { world, happened };
}

describe("whatever happens, in whatever order", () => {
  const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);
  it.each(seeds)(
    "users are served what was judged, and it ends at rest (seed %i)",
    { timeout: 60_000 },
    async (seed) => {
      const { world, happened } = await live(seed);
      const { life } = world;
      try {
        await life.until(`rest after ${happened.join(", ")}`, ({ phase }) => resting.has(phase ?? ""));
        await life.pass(60_000);
        const requests = life.traffic.requests;
        await life.pass(600_000);
        expect({ seed, happened, outages: life.outages, breaches: life.breaches }).toEqual({
          seed,
          happened,
          outages: [],
          breaches: [],
        });
        expect(life.traffic.requests - requests).toBe(0);
        expect(requests).toBeLessThan(1_000);
        expect(life.errors.filter((error) => /refused to break|TypeError/.test(String(error)))).toEqual([]);
      } finally {
        await life.stop();
      }
    },
  );
});

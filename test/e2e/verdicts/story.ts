import type { CanaryStatus } from "../../../src/api/status.ts";
import { ended } from "../rig/oneLife.ts";
import type { Load } from "../rig/load.ts";
import type { Rig } from "../rig/rig.ts";
import { openShop, type Shop } from "../rig/shop.ts";
import { type FlaggerSeen, watchAsFlagger } from "./flagger.ts";

type Env = Readonly<Record<string, string>>;

/** One release of one shop. Shops do not know each other: their stories may go on at the same time. */
export interface Story {
  /** In the table, and made a host of the shop's own. */
  readonly name: string;
  /** Requests a second through the gateway; nobody asks when it is left out. */
  readonly rps?: number;
  /** How version 1 behaves, and how version 2 does. */
  readonly before?: Env;
  readonly after?: Env;
  /** Weights, each held for ten seconds; 20 and 50 when left out. */
  readonly weights?: readonly number[];
  /** Merged over `spec.analysis`. */
  readonly analysis?: object;
  /** What happens once version 2 has its first weight. */
  readonly meanwhile?: () => Promise<void>;
}

/** How it ended. */
export interface Told {
  readonly name: string;
  readonly status: CanaryStatus;
  /** From the first weight until the route was without version 2 again, or else until the end. */
  readonly seconds: number;
  /** Requests to version 2 until the end. */
  readonly requests: number;
  /** Requests that got no answer, or another one than a version was made to give. */
  readonly lost: number;
  readonly flagger: readonly FlaggerSeen[];
  readonly lines: () => string[];
}

/** Times are short where production would have minutes. Nothing is said about metrics: no check, no query, no provider. */
const usual = { interval: "5s", metricsDelay: "2s", minDuration: "1m", undecidedAfter: "5m" };

/** The shortest interval that Flagger takes, and the one that it takes when nothing is said. */
const FLAGGER_SECONDS = [10, 60] as const;

const LONGEST_MS = 270_000;

/** Tells it from the shop's opening to the release's end, and leaves the rig as it was but for the shop. */
export async function tell(rig: Rig, story: Story): Promise<Told> {
  const { name, rps, before = {}, after = before, weights = [20, 50], analysis = {} } = story;
  const label = (name.toLowerCase().match(/[a-z0-9]+/g) ?? []).join("-");
  const host = `${label}.example.com`;
  const replicas = rps === undefined ? 1 : 2;
  const shop = await openShop(rig, { env: before, host, replicas });
  const users = rps === undefined ? undefined : await rig.loadGateway({ name: label, host, rps, freshShare: 0.1 });
  const strategy = { canary: { steps: weights.map((weight) => ({ weight, hold: "10s" })) } };
  await shop.adopt({ strategy, analysis: { ...usual, ...analysis } });
  await shop.until("adoption", ({ phase }) => phase === "Idle");
  const releasedAt = Date.now();
  await shop.release("2", after);
  const requests = (): number => users?.counts().byVersion["2"] ?? 0;
  const since = await firstWeightOf(shop);
  const flagger = FLAGGER_SECONDS.map((everySeconds) => {
    return watchAsFlagger({ ...rig, namespace: shop.namespace, everySeconds, since, requests });
  });
  await story.meanwhile?.();
  const status = await shop.until("an end", (seen) => ended("2")(seen) || isUndecided(seen), LONGEST_MS);
  const seen = await Promise.all(flagger.map((watch) => watch.stop()));
  return {
    name,
    status,
    seconds: Math.round((endOf(shop, releasedAt) - since) / 1_000),
    requests: requests(),
    lost: await lostBy(users),
    flagger: seen,
    lines: () => shop.timeline.lines(),
  };
}

async function firstWeightOf(shop: Shop): Promise<number> {
  const { rollout } = await shop.until("a first weight", ({ rollout: under }) => under?.firstWeightAt !== undefined);
  return Date.parse(rollout?.firstWeightAt ?? "");
}

function isUndecided({ phase, conditions = [] }: CanaryStatus): boolean {
  return phase === "Paused" && conditions.some(({ type, reason }) => type === "Reconciling" && reason === "Undecided");
}

/** When users were rid of version 2, or the end was seen. */
function endOf({ timeline }: Shop, releasedAt: number): number {
  const moments = timeline.moments.filter(({ at, text }) => at > releasedAt && text.startsWith("HTTPRoute web: "));
  const last = moments.findLast(({ text }) => text.includes("web-canary"));
  return last?.text.includes("web-canary 0") === true ? last.at : Date.now();
}

async function lostBy(users: Load | undefined): Promise<number> {
  return (await users?.stop())?.failed ?? 0;
}

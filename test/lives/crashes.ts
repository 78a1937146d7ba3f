import { kinds } from "../../src/kube/kinds.ts";
import type { Deployment, EndpointSlice, Service } from "../../src/kube/objects.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { startLife } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import type { Crash } from "./controllerProcess.ts";
import { withAnalysis, withSteps } from "./manifests.ts";
import { all } from "./watchman.ts";

/** What happens in a life, up to its end. */
export interface Story {
  readonly options?: LifeOptions;
  /** What comes before the crashes. */
  readonly before?: (life: Life) => Promise<void>;
  readonly happens: (life: Life) => Promise<void>;
  readonly ends: (life: Life) => boolean;
}

/** Short waits: a crash does not care how long a step is held. */
const hasty = {
  traffic: { settle: "500ms", drain: "1s", gatewayAPI: { routeRefs: [{ name: "web" }] } },
  ...withSteps([
    { weight: 10, hold: "1s" },
    { weight: 50, hold: "1s" },
  ]),
  ...withAnalysis({ interval: "1s" }),
};

/** Of so many crashes one is tried; `npm run test:lives` tries all of them. */
const STRIDE = process.env["AVIARY_LIVES"] === "all" ? 1 : 48;

/**
 * Lives a story once, then again for writes of the controller's, each time with a crash before or after that write, and
 * a new controller. Answers what came out differently.
 */
export async function livesWithCrashes(story: Story, sides: readonly Crash["side"][]): Promise<string[]> {
  const [from, to, end] = await live(story);
  const different: string[] = [];
  for (let write = from + 1; write <= to; write++) {
    for (const [index, side] of sides.entries()) {
      // Which ones, is told by how many there are: no two stories crash at the same places.
      if ((write * sides.length + index + to) % STRIDE !== 0) continue;
      const outcome = await live(story, { write, side }).then(
        ([, , after]) => after,
        (error: unknown) => String(error),
      );
      if (outcome !== end) different.push(`crash ${side} write ${write}:\n${outcome}\ninstead of\n${end}`);
    }
  }
  if (to - from < 5) different.push(`only ${to - from} writes were seen`);
  return different;
}

async function live(story: Story, crash?: Crash): Promise<[from: number, to: number, end: string]> {
  const life = await startLife({ replicas: 2, ...story.options, spec: { ...hasty, ...story.options?.spec }, crash });
  try {
    await story.before?.(life);
    const from = life.traffic.writes.length;
    await story.happens(life);
    await life.until("the end of the story", () => story.ends(life), 120_000);
    await life.pass(10_000);
    return [from, life.traffic.writes.length, stateOf(life)];
  } finally {
    await life.stop();
  }
}

/** What scales and guards target and primary. */
function copiesOf(life: Life): string[] {
  return [kinds.horizontalPodAutoscaler, kinds.podDisruptionBudget]
    .flatMap((kind) => all<KubeObject>(life.server, kind))
    .map((object) => `${object.kind} ${object.metadata.name} ${JSON.stringify((object as { spec?: unknown }).spec)}`);
}

/** All that is left at the end, without times and counters. */
function stateOf(life: Life): string {
  const { phase, promoted, failed, history, targets, rollout } = life.status();
  const deployments = all<Deployment>(life.server, kinds.deployment).map(
    ({ metadata, spec }) =>
      `${metadata.name} ${spec.replicas ?? 1} ${spec.paused === true} ${spec.template.spec.containers[0]?.image ?? ""}`,
  );
  const services = all<Service>(life.server, kinds.service).map(
    ({ metadata, spec }) => `${metadata.name} ${JSON.stringify(spec.selector)}`,
  );
  const fed = all<EndpointSlice>(life.server, kinds.endpointSlice).filter(({ metadata }) =>
    metadata.name.includes("-aviary"),
  );
  return JSON.stringify(
    {
      phase,
      promoted: promoted?.images,
      failed: failed?.images,
      rollout: rollout?.revision,
      history: history?.map(({ outcome, images }) => `${images?.[0] ?? ""} ${outcome}`),
      result: targets?.[0]?.result,
      deployments,
      services,
      fed: fed.length,
      copies: copiesOf(life),
      weights: life.weights(),
      outages: life.outages,
      breaches: life.breaches,
    },
    undefined,
    1,
  );
}

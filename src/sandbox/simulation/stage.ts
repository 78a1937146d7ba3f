import type { CanaryStatus } from "../../api/status.ts";
import type { Simulation } from "../../cli/programs.ts";
import type { Pod } from "../../kube/objects.ts";
import { namesOf } from "../../lib/names.ts";
import { parseDuration } from "../../lib/time.ts";
import { dataPlanes } from "../../metrics/dataPlanes/index.ts";
import type { DataPlane, Subject } from "../../metrics/dataPlanes/dataPlane.ts";
import type { Reading } from "../../metrics/provider.ts";
import type { AskSeries } from "../../observe/series.ts";
import type { JsonObject } from "../apiserver/json.ts";
import type { PodTrouble } from "../controllers/pods.ts";
import type { VirtualClock } from "../virtualClock.ts";
import type { SimulatedCluster } from "./cluster.ts";
import { createSimulatedMetrics } from "./metrics.ts";
import type { SimulatedMetrics } from "./metrics.ts";
import { missingFor } from "./missing.ts";
import type { CanaryManifest } from "./missing.ts";
import { createRequests } from "./requests.ts";
import type { Parts, Requests } from "./requests.ts";
import { createThresholds } from "./thresholds.ts";
import { createTroubles } from "./troubles.ts";
import { createUser } from "./user.ts";
import type { User } from "./user.ts";

/** What is around the controller. */
export interface Stage {
  readonly requests: Requests;
  readonly user: User;
  readonly status: () => CanaryStatus;
  /** Names of the checks that have asked for a value. */
  readonly asked: ReadonlySet<string>;
  readonly trouble: (pod: Pod) => PodTrouble;
  /** The release: from now on changes are told, with the time since now. */
  begin(): void;
}

interface Setting {
  readonly canary: CanaryManifest;
  readonly clock: VirtualClock;
  readonly cluster: SimulatedCluster;
}

/** Fills the cluster, and lets requests come in from now on. */
export function prepareStage(options: Simulation, setting: Setting) {
  const { canary, clock, cluster } = setting;
  const { world, onNote } = options;
  fill(options, setting);
  const user = createUser(cluster.core, canary, onNote);
  if (world.replicas !== undefined) user.scale(world.replicas);
  const status = () => user.canary()?.status ?? {};
  const weight = () => status().weight ?? 0;
  const telling = createTelling(options, clock, status);
  const { minute } = telling;
  const isDown = () => world.prometheusDown.some((span) => minute() >= span.fromMinute && minute() < span.toMinute);
  const requests = createRequests(world);
  const planes = planesFor(canary, options.objects);
  const metrics = createSimulatedMetrics({ now: () => clock.now(), requests, planes, subject: subjectOf(canary) });
  comeIn({ ...setting, requests, metrics, minute, isDown, parts: () => partsOf(status(), user.promoted()) });
  const { ask, asked } = createThresholds({ values: world.values, minute, weight, onNote });
  return {
    user,
    requests,
    status,
    weight,
    asked,
    ask: (...question: Parameters<typeof ask>): Reading => (isDown() ? DOWN : ask(...question)),
    askSeries: (...question: Parameters<AskSeries>) => (isDown() ? Promise.resolve(DOWN) : metrics.ask(...question)),
    trouble: createTroubles({ pods: world.pods, minute, runsNew: user.runsNew }),
    look: telling.look,
    begin() {
      telling.begin();
      for (const { atMinute, action } of world.actions) {
        clock.after(atMinute * 60_000, () => {
          user.ask(action);
        });
      }
      user.release();
    },
  };
}

const DOWN = { kind: "unreachable", message: "Prometheus is down, as the world has it" } as const;

interface Coming extends Setting {
  readonly requests: Requests;
  readonly metrics: SimulatedMetrics;
  readonly minute: () => number;
  readonly isDown: () => boolean;
  readonly parts: () => Parts;
}

/** The requests of the hour before, and from now on those of each moment; all of them counted. */
function comeIn({ canary, clock, requests, metrics, minute, isDown, parts }: Coming): void {
  // Nobody was there yet to look, so that the past needs no clock.
  for (let agoMs = PAST_MS; agoMs > 0; agoMs -= PAST_SCRAPE_MS) {
    requests.pass({ from: -1, minutes: PAST_SCRAPE_MS / 60_000 }, { canary: 0, copies: 0, promoted: false });
    metrics.scrape(clock.now() - agoMs);
  }
  const everyMs = scrapeMs(canary);
  const minutes = everyMs / 60_000;
  const tick = (): void => {
    requests.pass({ from: minute() - minutes, minutes }, parts());
    if (!isDown()) metrics.scrape();
    clock.after(everyMs, tick);
  };
  tick();
}

function fill({ objects, onNote }: Simulation, { canary, cluster }: Setting): void {
  const given = objects as readonly JsonObject[];
  const missing = missingFor(canary, given);
  if (missing.length > 0) onNote(`made up, since they are not in these files: ${missing.map(titleOf).join(", ")}`);
  const unknown = [...given.filter(isScenery), ...missing].filter((object) => !cluster.create(object));
  if (canary.spec.strategy?.abTest !== undefined) onNote(`${MATCHING} % of the requests match the A/B test`);
  if (unknown.length > 0) onNote(`left out, since their kinds are not known here: ${unknown.map(titleOf).join(", ")}`);
}

/** Canaries come last and alone; what was asked of one is over. */
function isScenery({ kind }: JsonObject): boolean {
  return kind !== "Canary" && kind !== "CanaryAction";
}

function titleOf({ kind, metadata }: JsonObject): string {
  return `${String(kind)} ${(metadata as { readonly name?: string } | undefined)?.name ?? ""}`;
}

/** Six scrapes in an interval of the analysis, from every second to every five seconds. */
function scrapeMs({ spec }: CanaryManifest): number {
  return Math.min(5_000, Math.max(1_000, parseDuration(spec.analysis?.interval ?? "30s") / 6));
}

/** How long the version before has served: the judge looks at its last hour as well, in steps of half a minute. */
const PAST_MS = 3_900_000;
const PAST_SCRAPE_MS = 30_000;

/** Of an A/B test's users, percent. */
const MATCHING = 10;

function partsOf({ weight = 0, rollout }: CanaryStatus, promoted: boolean): Parts {
  const matched = rollout?.matched === true && rollout.effectiveSince !== undefined ? MATCHING : 0;
  return { canary: Math.max(weight, matched), copies: rollout?.mirror ?? 0, promoted };
}

/** The data planes that somebody names, and those that are looked at by themselves. */
function planesFor({ spec: { traffic } }: CanaryManifest, objects: readonly object[]): readonly DataPlane[] {
  const named = [...JSON.stringify(objects).matchAll(/"dataPlane":"(\w+)"/g)].map(([, name]) => name);
  const usual =
    traffic?.gatewayAPI !== undefined ? "Contour" : traffic?.nginx !== undefined ? "IngressNginx" : "OpenTelemetry";
  return dataPlanes.filter(({ name }) => name === usual || named.includes(name));
}

function subjectOf(canary: CanaryManifest): Subject {
  const { namespace, target, primary, canaryService } = namesOf(canary);
  const { gatewayAPI, nginx } = canary.spec.traffic ?? {};
  const refs = [
    ...(gatewayAPI?.routeRefs ?? []),
    ...(nginx?.ingressRefs ?? []).map(({ name }) => ({ kind: "Ingress", name })),
  ];
  return {
    namespace,
    kind: canary.spec.targetRef.kind,
    workload: { canary: target, primary },
    service: { canary: canaryService, primary: [primary, target] },
    port: canary.spec.service?.port ?? 80,
    routes: refs.map((ref) => ({ kind: "HTTPRoute", namespace, ...ref })),
  };
}

/** Tells every change of the status once: another rule that says the same is none, nor is a sentence with newer numbers. */
function createTelling({ onChange }: Simulation, clock: VirtualClock, status: () => CanaryStatus) {
  let beganAt: number | undefined;
  let last = { where: "", rule: "", message: "" };
  const look = (): void => {
    const { phase, step, weight = 0, why } = status();
    if (beganAt === undefined || phase === undefined) return;
    const { rule = "", message = "" } = why ?? {};
    const now = { where: JSON.stringify([phase, step, weight]), rule, message };
    const isSame = now.where === last.where && (now.rule === last.rule || now.message === last.message);
    last = isSame ? { ...now, message: last.message } : now;
    if (!isSame) onChange({ atMs: clock.now() - beganAt, phase, step, weight, rule, message });
  };
  return {
    look,
    /** Minutes since the release, and below 0 before it. */
    minute: () => (beganAt === undefined ? -1 : (clock.now() - beganAt) / 60_000),
    begin() {
      const { phase, step, weight = 0, why } = status();
      last = { where: JSON.stringify([phase, step, weight]), rule: why?.rule ?? "", message: why?.message ?? "" };
      beganAt = clock.now();
    },
  };
}

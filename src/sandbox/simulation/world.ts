import type { CanaryStatus } from "../../api/status.ts";
import type { SimulatedChange, Simulation } from "../../cli/programs.ts";
import { namesOf } from "../../lib/names.ts";
import { parseDuration } from "../../lib/time.ts";
import { dataPlanes } from "../../metrics/dataPlanes/index.ts";
import type { DataPlane, Subject } from "../../metrics/dataPlanes/dataPlane.ts";
import type { JsonObject } from "../apiserver/json.ts";
import type { VirtualClock } from "../virtualClock.ts";
import type { SimulatedCluster } from "./cluster.ts";
import { createSimulatedMetrics } from "./metrics.ts";
import { missingFor } from "./missing.ts";
import type { CanaryManifest } from "./missing.ts";
import { createRequests } from "./requests.ts";
import type { Parts, Requests } from "./requests.ts";
import { createThresholds } from "./thresholds.ts";
import { createUser } from "./user.ts";
import type { User } from "./user.ts";

/** What is around the controller. */
export interface World {
  readonly requests: Requests;
  readonly user: User;
  readonly status: () => CanaryStatus;
  /** Names of the checks that have asked for a value. */
  readonly asked: ReadonlySet<string>;
  /** From now on changes are told, with the time since now. */
  begin(): void;
}

interface Stage {
  readonly canary: CanaryManifest;
  readonly clock: VirtualClock;
  readonly cluster: SimulatedCluster;
}

/** Fills the cluster, and lets requests come in from now on. */
export function prepareWorld(options: Simulation, stage: Stage) {
  const { canary, clock, cluster } = stage;
  fill(options, stage);
  const user = createUser(cluster.core, canary, options.onNote);
  if (options.replicas !== undefined) user.scale(options.replicas);
  const status = () => user.canary()?.status ?? {};
  const weight = () => status().weight ?? 0;
  const requests = createRequests(options);
  const planes = planesFor(canary, options.objects);
  const metrics = createSimulatedMetrics({ now: () => clock.now(), requests, planes, subject: subjectOf(canary) });
  const everyMs = scrapeMs(canary);
  const tick = (): void => {
    requests.pass(everyMs, partsOf(status(), user.promoted()));
    metrics.scrape();
    clock.after(everyMs, tick);
  };
  tick();
  const { ask, asked } = createThresholds({ ...options, weight });
  return {
    user,
    requests,
    status,
    weight,
    ask,
    asked,
    askSeries: metrics.ask,
    ...createTelling(options, clock, status),
  };
}

function fill({ objects, onNote }: Simulation, { canary, cluster }: Stage): void {
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

/** Tells every change of the status once. */
function createTelling({ onChange }: Simulation, clock: VirtualClock, status: () => CanaryStatus) {
  let beganAt: number | undefined;
  let last = "";
  const look = (): void => {
    const { phase, step, weight = 0, why } = status();
    if (beganAt === undefined || phase === undefined) return;
    const { rule = "", message = "" } = why ?? {};
    const key = JSON.stringify([phase, step, weight, rule]);
    if (key === last) return;
    last = key;
    const change: SimulatedChange = { atMs: clock.now() - beganAt, phase, step, weight, rule, message };
    onChange(change);
  };
  return {
    look,
    begin() {
      const { phase, step, weight = 0, why } = status();
      last = JSON.stringify([phase, step, weight, why?.rule ?? ""]);
      beganAt = clock.now();
    },
  };
}

import { isDeepStrictEqual } from "node:util";
import { isTerminating, type Deployment } from "../../kube/objects.ts";
import type { ObjectMeta } from "../../kube/port.ts";
import { kinds } from "../../kube/kinds.ts";
import { keyOf } from "../../kube/informer.ts";
import { fingerprint } from "../../lib/fingerprint.ts";
import { canonical } from "../../lib/json.ts";
import { rememberByObject } from "../../lib/remember.ts";
import { sandboxKinds, type ReplicaSet } from "../kinds.ts";
import { nameDigest } from "../random.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { deploymentStatus } from "./deploymentStatus.ts";
import { createLoop } from "./loop.ts";
import { ownedBy, ownerKey, ownerReference } from "./owners.ts";
import {
  allSets,
  boundsOf,
  currentSize,
  scaleProportionally,
  shrinkOld,
  sizeOf,
  wantedOf,
  type Resize,
  type Sets,
} from "./rollout.ts";
import { createView, type View } from "./view.ts";

const HASH_LABEL = "pod-template-hash";
const REVISION = "deployment.kubernetes.io/revision";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MAX = "deployment.kubernetes.io/max-replicas";

interface Views {
  readonly deployments: View<Deployment>;
  readonly sets: View<ReplicaSet>;
}

/** Keeps the ReplicaSets of Deployments: rolling update, Recreate, pause, proportional scaling, status. */
export function startDeployments(context: ControllerContext): Controller {
  const views: Views = {
    deployments: createView<Deployment>(kinds.deployment, context),
    sets: createView<ReplicaSet>(sandboxKinds.replicaSet, context),
  };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const deployment = views.deployments.get(key);
    if (deployment === undefined) return undefined;
    if (!isTerminating(deployment)) await roll(deployment, views);
    return report(deployment, views, context.clock.now());
  };
  const loop = createLoop({ ...context, name: "deployment", reconcile });
  views.deployments.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  views.sets.onChange(({ before, after }) => {
    const owner = ownerKey(after ?? before, "Deployment");
    if (owner !== undefined) loop.add(owner);
  });
  return loop;
}

/** The hash that tells the ReplicaSets of a Deployment apart. Key order does not matter. */
export const templateHash = rememberByObject((template: object): string =>
  nameDigest(fingerprint(canonical(template), 64), 10),
);

function setsOf(deployment: Deployment, view: View<ReplicaSet>): Sets {
  const hash = templateHash(deployment.spec.template);
  const owned = view
    .list(deployment.metadata.namespace)
    .filter((set) => ownedBy(set, deployment) && !isTerminating(set))
    .toSorted((a, b) => revisionOf(a) - revisionOf(b));
  const current = owned.find((set) => set.metadata.labels?.[HASH_LABEL] === hash);
  return { current, old: owned.filter((set) => set !== current) };
}

const revisionOf = ({ metadata }: { metadata: ObjectMeta }): number => Number(metadata.annotations?.[REVISION] ?? 0);

const annotated = (set: ReplicaSet, annotation: string): number | undefined => {
  const text = set.metadata.annotations?.[annotation];
  return text === undefined ? undefined : Number(text);
};

/** One step towards the spec. What it changes comes back as an event and causes the next one. */
async function roll(deployment: Deployment, views: Views): Promise<void> {
  const sets = setsOf(deployment, views.sets);
  const wanted = wantedOf(deployment);
  const scaled = allSets(sets).some((set) => sizeOf(set) > 0 && (annotated(set, DESIRED) ?? wanted) !== wanted);
  if (deployment.spec.paused === true || scaled) {
    const memory = (set: ReplicaSet): number | undefined => annotated(set, MAX);
    await resize(deployment, scaleProportionally(deployment, sets, memory), views);
    await remember(deployment, setsOf(deployment, views.sets), views);
    return;
  }
  if (deployment.spec.strategy?.type === "Recreate") await recreate(deployment, sets, views);
  else await rollForward(deployment, sets, views);
  await collectHistory(deployment, setsOf(deployment, views.sets), views);
}

async function rollForward(deployment: Deployment, sets: Sets, views: Views): Promise<void> {
  const size = currentSize(deployment, sets);
  const current = await ensureCurrent(deployment, sets, size, views);
  if (sizeOf(current) !== size) {
    await resize(deployment, [{ set: current, replicas: size }], views);
    return;
  }
  await resize(deployment, shrinkOld(deployment, { ...sets, current }), views);
}

async function recreate(deployment: Deployment, sets: Sets, views: Views): Promise<void> {
  const shrink = sets.old.filter((set) => sizeOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (shrink.length > 0) {
    await resize(deployment, shrink, views);
    return;
  }
  if (sets.old.some((set) => (set.status?.replicas ?? 0) > 0)) return;
  const current = await ensureCurrent(deployment, sets, wantedOf(deployment), views);
  if (sizeOf(current) !== wantedOf(deployment)) {
    await resize(deployment, [{ set: current, replicas: wantedOf(deployment) }], views);
  }
}

async function ensureCurrent(deployment: Deployment, sets: Sets, size: number, views: Views): Promise<ReplicaSet> {
  const revision = Math.max(0, ...sets.old.map(revisionOf)) + 1;
  const { current } = sets;
  if (current !== undefined) {
    if (revisionOf(current) >= revision) return current;
    // A template that comes back is the newest revision again.
    const annotations = { [REVISION]: String(revision) };
    const renewed = await views.sets.patch(current, { metadata: { annotations } });
    await views.deployments.patch(deployment, { metadata: { annotations } });
    return renewed;
  }
  const created = await views.sets.create(newSet(deployment, size, revision));
  await views.deployments.patch(deployment, { metadata: { annotations: { [REVISION]: String(revision) } } });
  return created;
}

function newSet(deployment: Deployment, replicas: number, revision: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template);
  const { name, namespace } = deployment.metadata;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: { ...sizeAnnotations(deployment), [REVISION]: String(revision) },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const wanted = wantedOf(deployment);
  return { [DESIRED]: String(wanted), [MAX]: String(wanted + boundsOf(deployment).maxSurge) };
}

async function resize(deployment: Deployment, resizes: readonly Resize[], views: Views): Promise<void> {
  for (const { set, replicas } of resizes) {
    await views.sets.patch(set, { metadata: { annotations: sizeAnnotations(deployment) }, spec: { replicas } });
  }
}

/** Writes down the size that the sets were scaled for, so that a scaling is seen as one only once. */
async function remember(deployment: Deployment, sets: Sets, views: Views): Promise<void> {
  const annotations = sizeAnnotations(deployment);
  for (const set of allSets(sets)) {
    if (sizeOf(set) === 0 || annotated(set, DESIRED) === wantedOf(deployment)) continue;
    await views.sets.patch(set, { metadata: { annotations } });
  }
}

async function collectHistory(deployment: Deployment, sets: Sets, views: Views): Promise<void> {
  const idle = sets.old.filter((set) => sizeOf(set) === 0 && (set.status?.replicas ?? 0) === 0);
  const surplus = idle.length - (deployment.spec.revisionHistoryLimit ?? 10);
  for (const set of idle.slice(0, Math.max(0, surplus))) await views.sets.remove(set);
}

/** Writes the status when it changed. Answers in how many milliseconds the progress deadline is due. */
async function report(deployment: Deployment, views: Views, nowMs: number): Promise<number | undefined> {
  const { status, deadlineInMs } = deploymentStatus({ deployment, sets: setsOf(deployment, views.sets), nowMs });
  if (!isDeepStrictEqual(deployment.status, status)) await views.deployments.patch(deployment, { status }, "status");
  return deadlineInMs;
}

import { shareOf } from "../api/share.ts";
import type { Action } from "../decide/actions.ts";
import type { Observation } from "../decide/types.ts";
import { kinds } from "../kube/kinds.ts";
import { annotations, FINALIZER } from "../lib/names.ts";
import { beforeOf } from "../kube/before.ts";
import type { Scene } from "../observe/scene.ts";
import { routeKey } from "../routers/router.ts";
import type { RouteWrite } from "../routers/router.ts";
import { assertInvariants } from "./invariants.ts";
import { ensureCompanions, pauseAutoscaler, removeCompanions, resumeAutoscaler } from "./companions.ts";
import { makeCopies, remakeCopies, removeCopies } from "./copies.ts";
import { deletePrevious, keepPrevious, versionOfPrevious } from "./previous.ts";
import { primaryFrom, restoredPrimary } from "./primary.ts";
import { ensureServices, feedService, pointService, stopFeed } from "./services.ts";
import { changeTarget } from "./target.ts";
import { asLookedAt, createWriter } from "./writer.ts";
import type { Writer, WriterOptions } from "./writer.ts";

/**
 * Performs a decision's actions in their order. Every action passes the invariants first. The first failure ends it:
 * what follows relies on what went before.
 *
 * @throws KubeError or InvariantError
 */
export async function act(
  actions: readonly Action[],
  { observation, scene }: { readonly observation: Observation; readonly scene: Scene },
  options: WriterOptions,
): Promise<void> {
  const writer = createWriter(options);
  for (const action of actions) {
    assertInvariants(action, observation);
    await perform(action, { observation, scene, writer });
  }
}

interface Context {
  readonly observation: Observation;
  readonly scene: Scene;
  readonly writer: Writer;
}

async function perform(action: Action, { observation, scene, writer }: Context): Promise<void> {
  switch (action.kind) {
    case "addFinalizer":
      return addFinalizer(scene, writer);
    case "removeFinalizer":
      return removeFinalizer(scene, writer);
    case "ensureServices":
      return ensureServices(scene, writer);
    case "feedService":
      return feedService(scene, writer, { ...action, now: observation.now });
    case "stopFeed":
      return stopFeed(scene, writer, action.service);
    case "pointService":
      return pointService(scene, writer, action);
    case "ensurePrimary":
      return ensurePrimary(scene, writer, action);
    case "restorePrimary":
      return restorePrimary(scene, writer, action.revision);
    case "keepPrevious":
      return keepPrevious(scene, writer, action.replicas);
    case "deletePrevious":
      return deletePrevious(scene, writer);
    case "restartPrimary":
      return restartPrimary(scene, writer, action.restartedAt);
    case "scalePrimary":
      return scalePrimary(scene, writer, action.replicas);
    case "restoreImages":
      return restoreImages(scene, writer, action.images);
    case "deletePrimary":
      if (scene.primary !== undefined) await writer.remove(scene.workload.kind, scene.primary);
      return;
    case "ensureCopies":
      return remakeCopies(scene, writer);
    case "removeCopies":
      return removeCopies(scene, writer, action.which);
    case "ensureCompanions":
      return ensureCompanions(scene, writer, action.of);
    case "removeCompanions":
      return removeCompanions(scene, writer);
    case "runJob":
      return runJob(observation, writer, action.check);
    case "removeJob":
      return removeJob(observation, writer, action.name);
    case "pauseAutoscaler":
      return pauseAutoscaler(scene, writer);
    case "resumeAutoscaler":
      return resumeAutoscaler(scene, writer);
    case "setWeight":
      return writeRoute(scene, writer, scene.router.plan(scene.routeInput, shareOf(action)));
    case "releaseRoute":
      return writeRoute(scene, writer, scene.router.release(scene.routeInput));
    case "scaleTarget":
    case "freezeTarget":
    case "thawTarget":
    case "parkTarget":
    case "restoreTarget":
      return changeTarget(scene, writer, action);
  }
}

async function runJob({ jobs }: Observation, writer: Writer, check: string): Promise<void> {
  const manifest = jobs?.[check]?.manifest;
  if (manifest !== undefined) await writer.apply(kinds.job, manifest);
}

async function removeJob({ strayJobs }: Observation, writer: Writer, name: string): Promise<void> {
  const job = strayJobs?.find(({ metadata }) => metadata.name === name);
  if (job !== undefined) await writer.remove(kinds.job, job);
}

async function addFinalizer(scene: Scene, writer: Writer): Promise<void> {
  const { metadata } = scene.canary;
  const finalizers = metadata.finalizers ?? [];
  await writer.patch(kinds.canary, scene.canary, [
    finalizers.length === 0
      ? asLookedAt(scene.canary)
      : { op: "test", path: "/metadata/finalizers", value: finalizers },
    { op: "add", path: "/metadata/finalizers", value: [...finalizers, FINALIZER] },
  ]);
}

async function removeFinalizer(scene: Scene, writer: Writer): Promise<void> {
  const index = scene.canary.metadata.finalizers?.indexOf(FINALIZER) ?? -1;
  if (index < 0) return;
  await writer.patch(kinds.canary, scene.canary, [
    { op: "test", path: `/metadata/finalizers/${index}`, value: FINALIZER },
    { op: "remove", path: `/metadata/finalizers/${index}` },
  ]);
}

async function ensurePrimary(
  scene: Scene,
  writer: Writer,
  { replicas, revision }: { readonly replicas?: number; readonly revision: string },
): Promise<void> {
  const { target, primary, label, names, workload } = scene;
  if (target === undefined || label === undefined) return;
  // Before the template that refers to them: its pods would not start without.
  const copies = scene.configuration?.copies ?? {};
  await makeCopies(scene, writer, copies);
  const size = replicas ?? (primary === undefined ? 1 : workload.standing(primary).replicas);
  const input = { workload, target, primary, label, name: names.primary, replicas: size, revision, copies };
  const wanted = primaryFrom(input);
  // Left out, it would fall to the default of 1 when nobody else has set it. So it is repeated, and guarded: when the
  // autoscaler was faster, the write is refused and made anew.
  const resourceVersion = replicas === undefined ? primary?.metadata.resourceVersion : undefined;
  const guard = resourceVersion === undefined ? {} : { resourceVersion };
  await writer.apply(workload.kind, { ...wanted, metadata: { ...wanted.metadata, ...guard } });
}

/** At the size that it has: its autoscaler may have the say over that. */
async function restorePrimary(scene: Scene, writer: Writer, revision: string): Promise<void> {
  const { primary, workload } = scene;
  if (primary === undefined) return;
  const before = [beforeOf(primary), versionOfPrevious(scene)].find((known) => known?.revision === revision);
  if (before === undefined) return;
  const { replicas } = workload.standing(primary);
  const restored = restoredPrimary({ workload, primary, before, replicas });
  const { resourceVersion } = primary.metadata;
  const guard = resourceVersion === undefined ? {} : { resourceVersion };
  await writer.apply(workload.kind, { ...restored, metadata: { ...restored.metadata, ...guard } });
}

async function restartPrimary(scene: Scene, writer: Writer, restartedAt: string): Promise<void> {
  const { primary } = scene;
  if (primary === undefined) return;
  const held = primary.spec.template.metadata?.annotations;
  const path = "/spec/template/metadata/annotations";
  await writer.patch(scene.workload.kind, primary, [
    held === undefined
      ? { op: "add", path, value: { [annotations.restartedAt]: restartedAt } }
      : { op: "add", path: `${path}/${annotations.restartedAt.replaceAll("/", "~1")}`, value: restartedAt },
  ]);
}

async function scalePrimary({ primary, workload }: Scene, writer: Writer, replicas: number): Promise<void> {
  if (primary !== undefined) await writer.patch(workload.kind, primary, workload.resize(primary, replicas));
}

async function restoreImages({ primary, workload }: Scene, writer: Writer, images: readonly string[]): Promise<void> {
  if (primary === undefined) return;
  const path = "/spec/template/spec/containers";
  const changed = primary.spec.template.spec.containers.flatMap(({ name, image }, index) => {
    const value = images[index];
    if (value === undefined || value === image) return [];
    return [
      { op: "test", path: `${path}/${index}/name`, value: name } as const,
      { op: "replace", path: `${path}/${index}/image`, value } as const,
    ];
  });
  await writer.patch(workload.kind, primary, changed);
}

async function writeRoute(scene: Scene, writer: Writer, writes: readonly RouteWrite[]): Promise<void> {
  for (const write of writes) {
    if (write.type === "apply") {
      await writer.apply(write.ref.kind, write.object);
      continue;
    }
    const object = scene.routeInput.objects.get(routeKey(write.ref));
    if (object === undefined) continue;
    if (write.type === "delete") await writer.remove(write.ref.kind, object);
    else await writer.patch(write.ref.kind, object, write.operations, write);
  }
}

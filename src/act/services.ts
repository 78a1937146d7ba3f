import type { Action, Feed } from "../decide/actions.ts";
import { kinds } from "../kube/kinds.ts";
import type { Labels, Service } from "../kube/objects.ts";
import { ownSlice } from "../kube/ownSlice.ts";
import { hasPorts } from "../kube/reachability.ts";
import { previousLabelOf, sameLabels } from "../lib/labels.ts";
import { FED_AT, feedName, MANAGED_BY } from "../lib/names.ts";
import type { Scene } from "../observe/scene.ts";
import type { ServiceObjects } from "../observe/services.ts";
import type { Writer } from "./writer.ts";

type Which = "apex" | "primary" | "canary" | "previous";

function objectsOf(scene: Scene, which: Which): ServiceObjects {
  const { apex, primaryService, canaryService, previousService } = scene;
  return { apex, primary: primaryService, canary: canaryService, previous: previousService }[which];
}

function nameOf(scene: Scene, which: Which): string {
  const { target, primary, canaryService, previous } = scene.names;
  return { apex: target, primary, canary: canaryService, previous }[which];
}

/** Makes the leaf Services, and the apex where the user has none. */
export async function ensureServices(scene: Scene, writer: Writer): Promise<void> {
  const targetLabels = scene.target?.spec.selector.matchLabels ?? {};
  const primaryLabels = labelsOf(scene, "primary");
  const leaving = scene.canary.metadata.deletionTimestamp !== undefined;
  await ensureService(scene, writer, { which: "canary", selector: targetLabels });
  const handedBack = leaving || stillServesTarget(scene, targetLabels);
  await ensureService(scene, writer, { which: "primary", selector: handedBack ? targetLabels : primaryLabels });
  // A new apex begins where traffic is now; it is pointed at the primary when that is ready.
  const adopted = scene.canary.status?.promoted !== undefined && !leaving;
  if (scene.apex.service === undefined) {
    await ensureService(scene, writer, { which: "apex", selector: adopted ? primaryLabels : targetLabels });
  }
}

/** While a target is adopted again: its pods are behind the primary Service by nothing but the selector. */
function stillServesTarget({ canary, primaryService }: Scene, targetLabels: Labels): boolean {
  if (canary.status?.promoted !== undefined || primaryService.feed !== undefined) return false;
  return sameLabels(primaryService.service?.spec.selector, targetLabels);
}

interface Ensured {
  readonly which: Which;
  readonly selector: Labels;
}

/** Makes a Service with these pods behind it, unless it is so already. */
export async function ensureService(scene: Scene, writer: Writer, { which, selector }: Ensured): Promise<void> {
  const existing = objectsOf(scene, which).service;
  const wanted = sameLabels(existing?.spec.selector, selector);
  if (existing !== undefined && wanted && hasPorts(existing, scene.ports)) return;
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: nameOf(scene, which), namespace: scene.names.namespace, labels: MANAGED_BY },
    spec: { selector, ports: scene.ports },
  };
  await writer.apply(kinds.service, service);
}

type At = Extract<Action, { kind: "pointService" }>["at"];

function labelsOf(scene: Scene, at: At): Labels {
  const labels = scene.target?.spec.selector.matchLabels ?? scene.primary?.spec.selector.matchLabels ?? {};
  const { label } = scene;
  if (at === "target" || label === undefined) return labels;
  return { ...labels, [label.key]: (at === "previous" ? previousLabelOf(label) : label).value };
}

/** Points a Service at other pods by its selector, and by nothing else. */
export async function pointService(
  scene: Scene,
  writer: Writer,
  { service: which, at }: { readonly service: "apex" | "primary"; readonly at: At },
): Promise<void> {
  const { service } = objectsOf(scene, which);
  if (service === undefined) return;
  const before = service.spec.selector;
  const found = scene.canary.status?.adopted?.apexSelector;
  const selector = at === "target" && which === "apex" && found !== undefined ? found : pointed(scene, before, at);
  await writer.patch(kinds.service, service, [
    ...(before === undefined ? [] : [{ op: "test", path: "/spec/selector", value: before } as const]),
    { op: "add", path: "/spec/selector", value: selector },
  ]);
}

/** The user's selector with the one label changed; other labels of theirs stay. */
function pointed(scene: Scene, before: Labels | undefined, at: At): Labels {
  const labels = labelsOf(scene, at);
  const { label } = scene;
  if (label === undefined || before === undefined) return labels;
  return { ...before, [label.key]: labels[label.key] ?? "" };
}

interface Feeding {
  readonly service: "apex" | "primary";
  readonly from: Feed["from"];
  readonly now: number;
  /** Only for when nobody else is behind the Service. */
  readonly standby?: boolean;
}

/** Lists the ready pods behind one Service behind another one as well. */
export async function feedService(
  scene: Scene,
  writer: Writer,
  { service: which, from, now, standby = false }: Feeding,
): Promise<void> {
  const { service } = objectsOf(scene, which);
  if (service?.metadata.uid === undefined) return;
  const slice = ownSlice({
    name: feedName(service.metadata.name),
    service,
    annotations: { [FED_AT]: new Date(now).toISOString() },
    sources: objectsOf(scene, from).slices,
    standby,
  });
  await writer.apply(kinds.endpointSlice, slice);
}

export async function stopFeed(scene: Scene, writer: Writer, which: "apex" | "primary"): Promise<void> {
  const { feed } = objectsOf(scene, which);
  if (feed !== undefined) await writer.remove(kinds.endpointSlice, feed);
}

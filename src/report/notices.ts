import { conditionsFor } from "../api/conditions.ts";
import type { CanaryStatus } from "../api/status.ts";
import type { CacheFailure } from "../kube/informer.ts";
import { kinds } from "../kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";
import { clip } from "../lib/text.ts";
import type { ReportOptions } from "./report.ts";
import { sameStatus } from "./status.ts";

type NoticeOptions = Omit<ReportOptions, "pacing" | "answering"> & { readonly now: number };

/**
 * Says of a Canary that was stored before today's schema, or past it, what is wrong with it. Its rollout stands still:
 * what is not understood is not acted upon.
 *
 * @throws KubeError when the status cannot be written, which the API server may refuse for the same reason.
 */
export async function reportUnreadable(object: KubeObject, problems: string, options: NoticeOptions): Promise<void> {
  const hint =
    object.metadata.deletionTimestamp === undefined
      ? "correct it"
      : "correct it, or remove its finalizer: the primary then goes on serving";
  const message = clip(`the Canary cannot be read: ${problems}. Until you ${hint}, nothing is done for it`);
  await reportStalled(object, { reason: "InvalidSpec", rule: "readCanary", message }, options);
}

/**
 * Says what keeps Aviary from a write that it has to make: permissions, a quota, another's admission policy or webhook,
 * or an invariant of its own.
 *
 * @throws KubeError when the status cannot be written either.
 */
export async function reportRefusedWrite(object: KubeObject, refusal: string, options: NoticeOptions): Promise<void> {
  const message = clip(`a write that the canary needs is refused: ${withoutLongValues(refusal)}. It is tried again`);
  await reportStalled(object, { reason: "WriteRefused", rule: "act", message }, options);
}

/**
 * Says that a kind which the canary needs exists and cannot be listed, so that nothing is known of its objects.
 *
 * @throws KubeError when the status cannot be written either.
 */
export async function reportUnlistable(
  object: KubeObject,
  { kind, failure }: { readonly kind: ResourceKind; readonly failure: CacheFailure },
  options: NoticeOptions,
): Promise<void> {
  const what = `${kind.plural}.${kind.group}`;
  const hint = failure.forbidden
    ? `allow the controller's ServiceAccount to list and watch ${what}`
    : `look at the API server and at CustomResourceDefinition ${what}, such as its conversion webhook`;
  const message = clip(`${what} cannot be listed: ${failure.message}. Until then nothing is done; ${hint}`);
  await reportStalled(object, { reason: "KindUnreadable", rule: "listKind", message }, options);
}

/** The API server repeats the whole object before it says what is wrong with it. */
function withoutLongValues(refusal: string): string {
  return refusal.replaceAll(/"(?:[^"\\]|\\.){200,}"…?/g, "…");
}

interface Notice {
  readonly reason: string;
  readonly rule: string;
  readonly message: string;
}

/** Writes what stands in the way into the status, and leaves everything that is remembered there as it is. */
async function reportStalled(
  object: KubeObject,
  { reason, rule, message }: Notice,
  { kube, reads, events, log, signal, now }: NoticeOptions,
): Promise<void> {
  const { namespace = "default", name, generation = 0 } = object.metadata;
  const previous = (object as { status?: CanaryStatus }).status ?? {};
  const phase = previous.phase ?? "Initializing";
  const stalled = { reason, message };
  const conditions = conditionsFor({ phase, stalled, message, generation, now, previous: previous.conditions });
  const notice = { observedGeneration: generation, phase, why: { rule, message }, conditions };
  if (sameStatus(previous, { ...previous, ...notice })) return;
  log.warn({ canary: `${namespace}/${name}` }, message);
  events.record({ regarding: object, type: "Warning", reason, note: message });
  const ref = { namespace, name };
  const patch = { status: notice };
  const written = await kube.mergePatch<KubeObject>(kinds.canary, ref, patch, { subresource: "status", signal });
  reads.noteWrite(kinds.canary, written);
}

import { conditionsFor } from "../api/conditions.ts";
import type { CanaryStatus } from "../api/status.ts";
import { kinds } from "../kube/kinds.ts";
import type { KubeObject } from "../kube/port.ts";
import type { ReportOptions } from "./report.ts";
import { clip, sameStatus } from "./status.ts";

/**
 * Says of a Canary that was stored before today's schema, or past it, what is wrong with it. Its rollout stands still:
 * what is not understood is not acted upon.
 *
 * @throws KubeError when the status cannot be written, which the API server may refuse for the same reason.
 */
export async function reportUnreadable(
  object: KubeObject,
  problems: string,
  { kube, reads, events, log, signal, now }: ReportOptions & { readonly now: number },
): Promise<void> {
  const { namespace = "default", name, generation = 0, deletionTimestamp } = object.metadata;
  const previous = (object as { status?: CanaryStatus }).status ?? {};
  const hint =
    deletionTimestamp === undefined
      ? "correct it"
      : "correct it, or remove its finalizer: the primary then goes on serving";
  const message = clip(`the Canary cannot be read: ${problems}. Until you ${hint}, nothing is done for it`);
  const phase = previous.phase ?? "Initializing";
  const cause = { reason: "InvalidSpec", message };
  const conditions = conditionsFor({
    phase,
    stalled: cause,
    message,
    generation,
    now,
    previous: previous.conditions,
  });
  const status: CanaryStatus = {
    ...previous,
    observedGeneration: generation,
    phase,
    why: { rule: "readCanary", message },
    conditions,
  };
  if (sameStatus(previous, status)) return;
  log.warn({ canary: `${namespace}/${name}` }, message);
  events.record({ regarding: object, type: "Warning", reason: cause.reason, note: message });
  const ref = { namespace, name };
  const written = await kube.mergePatch<KubeObject>(
    kinds.canary,
    ref,
    { status: { observedGeneration: generation, phase, why: status.why, conditions } },
    { subresource: "status", signal },
  );
  reads.noteWrite(kinds.canary, written);
}

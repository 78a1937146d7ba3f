import type { CanaryStatus } from "../../api/status.ts";
import { createKube } from "../../kube/client.ts";
import { connect } from "../../kube/config.ts";
import { createInformers } from "../../kube/informers.ts";
import { kinds } from "../../kube/kinds.ts";
import type { KubeEvent } from "../../kube/objects.ts";
import type { KubeObject } from "../../kube/port.ts";
import { systemClock } from "../../lib/time.ts";
import type { DemoEvent } from "./events.ts";

interface Canary extends KubeObject {
  readonly status?: CanaryStatus;
}

/** Watches the Canary and the Events about it over HTTP, as any user can. */
export interface Observer {
  status(): CanaryStatus;
  /** Resolves once `holds` is true of the status. Rejects when the signal is aborted. */
  until(holds: (status: CanaryStatus) => boolean, signal: AbortSignal): Promise<CanaryStatus>;
  stop(): Promise<void>;
}

export async function observe(kubeconfigPath: string, emit: (event: DemoEvent) => void): Promise<Observer> {
  const connection = await connect({ kubeconfig: kubeconfigPath, env: {} });
  const informers = createInformers(createKube(connection), systemClock);
  const waiters = new Set<() => void>();
  let status: CanaryStatus = {};

  informers.onChange<Canary>(kinds.canary, ({ after }) => {
    if (after === undefined) return;
    const next = after.status ?? {};
    for (const event of changesOf(status, next)) emit(event);
    status = next;
    for (const look of [...waiters]) look();
  });
  informers.onChange<KubeEvent>(kinds.event, ({ after }) => {
    if (after?.involvedObject.kind !== "Canary") return;
    emit({ type: "event", kind: after.type, reason: after.reason, note: after.message });
  });
  await informers.ready();

  return {
    status: () => status,
    async until(holds, signal) {
      await waitFor(() => holds(status), waiters, signal);
      return status;
    },
    async stop() {
      await informers.stop();
      await connection.close();
    },
  };
}

/** Resolves once `holds` is true at one of the looks that `waiters` are asked for. */
async function waitFor(holds: () => boolean, waiters: Set<() => void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = (): void => {
    if (holds()) resolve();
  };
  const giveUp = (): void => {
    reject(signal.reason as Error);
  };
  waiters.add(look);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  look();
  try {
    await promise;
  } finally {
    waiters.delete(look);
    signal.removeEventListener("abort", giveUp);
  }
}

/** What a change of status says, in the order in which a person wants to hear it. Pure. */
export function changesOf(before: CanaryStatus, after: CanaryStatus): readonly DemoEvent[] {
  const events: DemoEvent[] = [];
  if (after.phase !== undefined && after.phase !== before.phase) events.push({ type: "phase", phase: after.phase });
  if (after.weight !== undefined && after.weight !== (before.weight ?? 0)) {
    events.push({ type: "weight", weight: after.weight, ...(after.step === undefined ? {} : { step: after.step }) });
  }
  for (const check of after.checks ?? []) {
    const known = before.checks?.find(({ name }) => name === check.name);
    if (known !== undefined && known.verdict === check.verdict && known.message === check.message) continue;
    const { name, verdict, message, value } = check;
    events.push({ type: "check", name, verdict, message, ...(value === undefined ? {} : { value }) });
  }
  if (after.why !== undefined && after.why.message !== before.why?.message) events.push({ type: "why", ...after.why });
  return events;
}

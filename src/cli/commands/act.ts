import type { ActionName, CanaryActionSpec, CanaryActionStatus } from "../../api/canaryAction.ts";
import { isKubeError } from "../../kube/errors.ts";
import { apiVersionOf, kinds } from "../../kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../../kube/port.ts";
import type { CanaryObject } from "../canaryObject.ts";
import { findCanary, parseReference, withCluster } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import type { Call, Options, Run } from "../command.ts";
import { durationOption } from "../durations.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import { createChanges } from "../until.ts";
import { watchOne } from "../watchOne.ts";

interface ActionObject extends KubeObject {
  readonly spec: CanaryActionSpec;
  readonly status?: CanaryActionStatus;
}

/** What `aviary NAME` asks for. */
export function acting(action: (options: Options) => ActionName): { readonly run: Run } {
  return { run: (call) => withCluster(call, (cluster) => ask(cluster, call, action(call.options))) };
}

const ANSWER_MS = 30_000;

/** Creates the CanaryAction and waits for the controller's answer. */
async function ask(cluster: Cluster, call: Call, action: ActionName): Promise<number> {
  const { options, world } = call;
  const timeoutMs = durationOption(options, "timeout", ANSWER_MS);
  const canary = await findCanary(cluster, parseReference(call.args[0] ?? ""));
  const spec: CanaryActionSpec = {
    canaryRef: { name: canary.metadata.name },
    action,
    ...pinned(action, canary, options),
    ...reasonOf(options),
    ...(await requester(cluster)),
  };
  const made = await create(cluster, spec);
  const status = await answerOf(cluster, call, { name: made.metadata.name, timeoutMs });
  if (status?.phase === undefined) {
    throw new CliError(
      "timedOut",
      `the controller has not answered CanaryAction ${made.metadata.name} yet`,
      "It stands and will be obeyed when the controller runs. kubectl delete it to take it back.",
    );
  }
  const { phase, message = "" } = status;
  const applied = phase === "Applied";
  world[applied ? "stdout" : "stderr"].write(`${canary.metadata.name}: ${applied ? "" : "refused: "}${message}\n`);
  return exitCodes[applied ? "ok" : "refused"].code;
}

function reasonOf(options: Options): Pick<CanaryActionSpec, "reason"> {
  const reason = options.text("reason");
  return reason === undefined ? {} : { reason };
}

/** The revision, and for an approval the step, that the caller sees now: what comes between is not meant. */
function pinned(action: ActionName, { status }: CanaryObject, options: Options): Partial<CanaryActionSpec> {
  const revision = options.text("revision") ?? seenRevision(action, status);
  const step = action === "Approve" ? (stepOption(options) ?? seenStep(status)) : undefined;
  return { ...(revision === undefined ? {} : { revision }), ...(step === undefined ? {} : { step }) };
}

function seenRevision(action: ActionName, status: CanaryObject["status"]): string | undefined {
  switch (action) {
    case "Retry":
      return status?.failed?.revision;
    case "Rollback":
      return status?.promoted?.revision;
    case "Skip":
      return status?.rollout?.revision ?? status?.target?.revision;
    case "Approve":
    case "Pause":
    case "Resume":
    case "Promote":
    case "PromoteFull":
    case "Abort":
      return status?.rollout?.revision;
  }
}

function seenStep(status: CanaryObject["status"]): number | undefined {
  return status?.rollout === undefined ? undefined : status.rollout.step + 1;
}

function stepOption(options: Options): number | undefined {
  const text = options.text("step");
  if (text === undefined) return undefined;
  const step = Number(text);
  if (Number.isInteger(step) && step >= 1 && step <= 50) return step;
  throw new CliError("usage", `--step must be a number from 1 to 50, not ${JSON.stringify(text)}`);
}

const selfSubjectReview: ResourceKind = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  namespaced: false,
};

/** The name by which the API server knows the caller; the admission policy accepts no other. Left out where it does not say. */
async function requester({ kube }: Cluster): Promise<Pick<CanaryActionSpec, "requestedBy">> {
  const review = { apiVersion: apiVersionOf(selfSubjectReview), kind: selfSubjectReview.kind, metadata: { name: "" } };
  try {
    const { status } = await kube.create<
      KubeObject & { readonly status?: { readonly userInfo?: { readonly username?: string } } }
    >(selfSubjectReview, review);
    const name = status?.userInfo?.username;
    return name === undefined || name === "" ? {} : { requestedBy: name };
  } catch (error) {
    if (isKubeError(error, "NotFound", "Forbidden", "Invalid")) return {};
    throw error;
  }
}

async function create({ kube, namespace }: Cluster, spec: CanaryActionSpec): Promise<ActionObject> {
  const { action, canaryRef } = spec;
  // A name of ours and not `generateName`: one that is sent twice after a lost answer must not count twice.
  const name = `${canaryRef.name.slice(0, 200)}-${action.toLowerCase()}-${crypto.randomUUID().slice(0, 8)}`;
  const object = {
    apiVersion: apiVersionOf(kinds.canaryAction),
    kind: kinds.canaryAction.kind,
    metadata: { namespace, name },
    spec,
  };
  try {
    return await kube.create<ActionObject>(kinds.canaryAction, object);
  } catch (error) {
    if (!isKubeError(error, "Forbidden") || error.status === 401) throw error;
    throw new CliError("error", error.message, "Ask for a Role; docs/ci.md lists the verb of each action.");
  }
}

async function answerOf(
  cluster: Cluster,
  { world: { clock, signal } }: Call,
  { name, timeoutMs }: { readonly name: string; readonly timeoutMs: number },
): Promise<CanaryActionStatus | undefined> {
  const ending = new AbortController();
  const changes = createChanges(clock, signal);
  const held = watchOne<ActionObject>({
    cluster,
    kind: kinds.canaryAction,
    name,
    clock,
    signal: AbortSignal.any([signal, ending.signal]),
    onChange: () => changes.note(),
    onRefused: (error) => changes.fail(error),
  });
  const deadlineMs = clock.now() + timeoutMs;
  try {
    for (;;) {
      if (held.object?.status?.phase !== undefined) return held.object.status;
      const leftMs = deadlineMs - clock.now();
      if (leftMs <= 0) return undefined;
      await changes.next(leftMs);
    }
  } finally {
    ending.abort();
  }
}

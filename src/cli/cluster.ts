import { createKube } from "../kube/client.ts";
import { connect } from "../kube/config.ts";
import { isKubeError } from "../kube/errors.ts";
import { kinds } from "../kube/kinds.ts";
import type { Kube, ResourceKind } from "../kube/port.ts";
import type { CanaryObject } from "./canaryObject.ts";
import type { Call } from "./command.ts";
import { CliError } from "./exitCodes.ts";

/** The cluster that a command speaks to. */
export interface Cluster {
  readonly kube: Kube;
  readonly namespace: string;
}

/** Connects as the options say, and disconnects whatever happens. */
export async function withCluster<T>(call: Call, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { options, world } = call;
  const kubeconfig = options.text("kubeconfig");
  const context = options.text("context");
  const connection = await connect({
    env: { ...world.env },
    light: true,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  try {
    const namespace = options.text("namespace") ?? connection.namespace ?? "default";
    return await use({ kube: createKube(connection), namespace });
  } finally {
    await connection.close();
  }
}

/** What a name on the command line means. */
export interface Reference {
  /** The Canary itself, or the workload that it is for. */
  readonly kind: ResourceKind;
  readonly name: string;
}

const WORKLOADS: Readonly<Record<string, ResourceKind>> = {
  deployment: kinds.deployment,
  daemonset: kinds.daemonSet,
  statefulset: kinds.statefulSet,
};

/** The short names that kubectl knows, too. */
const KINDS: Readonly<Record<string, ResourceKind>> = {
  canary: kinds.canary,
  canaries: kinds.canary,
  cn: kinds.canary,
  deploy: kinds.deployment,
  ds: kinds.daemonSet,
  sts: kinds.statefulSet,
  ...WORKLOADS,
  deployments: kinds.deployment,
  daemonsets: kinds.daemonSet,
  statefulsets: kinds.statefulSet,
};

/** @throws CliError when the text is neither a name nor `kind/name` of a kind that can have a Canary. */
export function parseReference(text: string): Reference {
  const [prefix, name, more] = text.includes("/") ? text.split("/") : ["canary", text];
  const kind = KINDS[(prefix ?? "").replace(/\..*$/, "").toLowerCase()];
  if (kind === undefined || name === undefined || name === "" || more !== undefined) {
    throw new CliError(
      "usage",
      `${JSON.stringify(text)} names nothing that Aviary knows`,
      "Give the name of a Canary, or of its workload as deploy/NAME, ds/NAME or sts/NAME.",
    );
  }
  return { kind, name };
}

/** @throws CliError with `notFound` when there is none, or the cluster does not know Aviary. */
export async function findCanary({ kube, namespace }: Cluster, { kind, name }: Reference): Promise<CanaryObject> {
  try {
    const found =
      kind === kinds.canary
        ? await kube.get<CanaryObject>(kind, { namespace, name })
        : (await kube.list<CanaryObject>(kinds.canary, { namespace })).items.find(
            ({ spec: { targetRef } }) => targetRef.kind === kind.kind && targetRef.name === name,
          );
    if (found !== undefined) return found;
  } catch (error) {
    if (!isKubeError(error, "NotFound")) throw error;
    throw notInstalled();
  }
  if (!(await kube.serves(kinds.canary))) throw notInstalled();
  throw kind === kinds.canary
    ? new CliError(
        "notFound",
        `there is no Canary ${name} in namespace ${namespace}`,
        "aviary get -A lists all of them.",
      )
    : new CliError(
        "notFound",
        `no Canary in namespace ${namespace} is for ${kind.kind} ${name}`,
        `Without one a change is not judged; kubectl rollout status waits for its pods.`,
      );
}

export function notInstalled(): CliError {
  return new CliError(
    "notFound",
    "this cluster does not know canaries.aviary.dev",
    "Install Aviary with kubectl apply -k deploy, or look whether this is the right context.",
  );
}

/** The kind of a Canary's workload. @throws CliError for one that this version does not know. */
export function workloadKind({ kind }: { readonly kind: string }): ResourceKind {
  const known = WORKLOADS[kind.toLowerCase()];
  if (known === undefined) throw new CliError("error", `this version of aviary knows no workloads of kind ${kind}`);
  return known;
}

import type { ActionName, CanaryActionStatus } from "../../api/canaryAction.ts";
import type { CanaryStatus } from "../../api/status.ts";
import { kinds } from "../../kube/kinds.ts";
import type { Pod, WorkloadObject } from "../../kube/objects.ts";
import type { KubeObject, ResourceKind } from "../../kube/port.ts";
import { namesOf } from "../../lib/names.ts";
import type { ApiServer } from "../apiserver/apiServer.ts";
import type { Json } from "../apiserver/json.ts";
import { kindNamed } from "../kinds.ts";
import { USER } from "./cluster.ts";
import type { CanaryManifest } from "./missing.ts";

type CanaryObject = KubeObject & { readonly status?: CanaryStatus };

/** Who releases, and says yes to everything. */
export interface User {
  canary(): CanaryObject | undefined;
  scale(replicas: number): void;
  /** Gives the target's first container another image. */
  release(): void;
  /** Opens the pause that the rollout waits at, if it does. */
  approve(): void;
  /** Creates a CanaryAction. */
  ask(action: ActionName): void;
  /** What was refused of it, with the answers. */
  refused(): readonly string[];
  /** Whether a pod is of the new version. */
  runsNew(pod: Pod): boolean;
  /** Whether the primary runs the new version. */
  promoted(): boolean;
}

export function createUser(core: ApiServer, manifest: CanaryManifest, onNote: (note: string) => void): User {
  const { namespace, target, primary, canary: name } = namesOf(manifest);
  const kind = kindNamed("apps/v1", manifest.spec.targetRef.kind) ?? kinds.deployment;
  const resourceOf = (of: ResourceKind) => core.resource(of.group, of.version, of.plural);
  const find = <T>(of: ResourceKind, at: string) =>
    core.find(resourceOf(of), { namespace, name: at }) as unknown as T | undefined;
  const change = (spec: object): void => {
    const request = { type: "merge", body: { spec } as unknown as Json } as const;
    core.patch(resourceOf(kind), { namespace, name: target }, request, USER);
  };
  const imageOf = (at: string) => find<WorkloadObject>(kind, at)?.spec.template.spec.containers[0]?.image ?? "";
  const canary = () => find<CanaryObject>(kinds.canary, name);
  const approved = new Set<string>();
  const asked: { readonly name: string; readonly action: ActionName }[] = [];
  const ask = (action: ActionName): void => {
    const created = {
      apiVersion: "aviary.dev/v1beta1",
      kind: "CanaryAction",
      metadata: { name: `${action.toLowerCase()}-${asked.length + 1}`, namespace },
      spec: { canaryRef: { name }, action, reason: "a simulation", requestedBy: "aviary simulate" },
    };
    asked.push({ name: created.metadata.name, action });
    core.create(resourceOf(kinds.canaryAction), namespace, created, USER);
  };
  let newImage: string | undefined;
  return {
    canary,
    scale: (replicas) => {
      change({ replicas });
    },
    release() {
      const containers = find<WorkloadObject>(kind, target)?.spec.template.spec.containers ?? [];
      newImage = imageAfter(imageOf(target));
      const [first, ...others] = containers;
      change({ template: { spec: { containers: [{ ...first, image: newImage }, ...others] } } });
    },
    approve() {
      const { phase, step = "", conditions = [] } = canary()?.status ?? {};
      const waits = phase === "Paused" && conditions.some(({ reason }) => reason === "AwaitingApproval");
      if (!waits || approved.has(step)) return;
      approved.add(step);
      onNote(`the pause at step ${step} is approved at once`);
      ask("Approve");
    },
    ask,
    refused: () =>
      asked.flatMap(({ name: at, action }) => {
        const { status } = find<{ readonly status?: CanaryActionStatus }>(kinds.canaryAction, at) ?? {};
        return status?.phase === "Refused" ? [`${action} was refused: ${status.message ?? ""}`] : [];
      }),
    runsNew: (pod) => newImage !== undefined && pod.spec.containers[0]?.image === newImage,
    promoted: () => newImage !== undefined && imageOf(primary) === newImage,
  };
}

/** The same repository with another tag. */
function imageAfter(image: string): string {
  const repository = image.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  return image === `${repository}:new` ? `${repository}:newer` : `${repository}:new`;
}

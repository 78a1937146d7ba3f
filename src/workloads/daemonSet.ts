import { kinds } from "../kube/kinds.ts";
import type { DaemonSet, PodSpec, PodTemplateSpec } from "../kube/objects.ts";
import type { PatchOperation } from "../kube/port.ts";
import { IDLE_NODES } from "../lib/names.ts";
import { templateField } from "./workload.ts";
import type { Standing, WorkloadKind } from "./workload.ts";

type NodeSelector = Readonly<Record<string, string>>;

/**
 * A DaemonSet has no size: it is idle by a node selector that no node has, and frozen by `OnDelete`. Both live in
 * fields that a re-applied manifest leaves alone, since it does not name them.
 */
export const daemonSet: WorkloadKind<DaemonSet> = {
  kind: kinds.daemonSet,

  foreignFields: [
    { path: /^\/spec\/template\/spec\/nodeSelector(\/aviary\.dev~1idle)?$/, why: "a label that no node has: idle" },
    { path: /^\/spec\/updateStrategy\/type$/, why: "the freeze of the target's pods" },
    templateField,
  ],

  refuse({ target, adopted }) {
    const { spec } = target.spec.template;
    if (!adopted && isFrozen(target)) {
      return {
        severity: "Unsupported",
        what: "its updateStrategy is OnDelete, which Aviary could not tell from its own freeze",
        hint: "set spec.updateStrategy.type to RollingUpdate",
      };
    }
    const port = hostPortOf(spec);
    if (spec.hostNetwork === true || port !== undefined) {
      const what = spec.hostNetwork === true ? "it uses the host's network" : `it uses the host's port ${port ?? ""}`;
      return {
        severity: "Unsafe",
        what: `${what}, and a node has room for one of the two copies only`,
        hint: "let clients come through a Service (internalTrafficPolicy: Local keeps them on their node)",
      };
    }
    const shared = writableHostPath(spec);
    if (shared === undefined) return undefined;
    return {
      severity: "Unsafe",
      what: `${shared}, which both copies on a node would`,
      hint: "mount it readOnly",
    };
  },

  standing({ metadata, spec, status }): Standing {
    const idle = nodeSelectorOf(spec.template)?.[IDLE_NODES] !== undefined;
    const seen = (status?.observedGeneration ?? -1) >= (metadata.generation ?? 0);
    const desired = status?.desiredNumberScheduled ?? 0;
    const updated = status?.updatedNumberScheduled ?? 0;
    const available = updated === (status?.currentNumberScheduled ?? 0) ? (status?.numberAvailable ?? 0) : 0;
    // It asks for somebody even where no node takes it, or before its controller has counted the nodes.
    const replicas = idle ? 0 : Math.max(1, desired);
    const trouble = idle ? RESTS : seen && desired === 0 ? "no node takes its pods" : undefined;
    return {
      replicas,
      perNode: true,
      frozen: isFrozen({ spec }),
      available: seen ? available : 0,
      settled:
        seen &&
        desired === (idle ? 0 : replicas) &&
        updated === desired &&
        available === desired &&
        noneLeftOver(status),
      ...(trouble === undefined ? {} : { trouble }),
    };
  },

  resize: (target, replicas) => (replicas === 0 ? idle(target) : wake(target)),

  freeze: () => [{ op: "replace", path: "/spec/updateStrategy/type", value: "OnDelete" }],

  // The parameters of the rolling update have stayed beside it.
  thaw: (target) =>
    isFrozen(target) ? [{ op: "replace", path: "/spec/updateStrategy/type", value: "RollingUpdate" }] : [],

  template: ({ spec }) => withoutIdle(spec.template),

  primarySpec({ spec }) {
    const { selector: _selector, template: _template, updateStrategy, ...rest } = spec;
    // Whatever the target says: the primary serves everyone. Where two pods of a node are in each other's way, the old
    // one has to go first.
    const exclusive = spec.template.spec.hostNetwork === true || hostPortOf(spec.template.spec) !== undefined;
    const rollingUpdate = exclusive
      ? { maxUnavailable: 1, maxSurge: 0 }
      : { maxUnavailable: 0, maxSurge: surgeOf(updateStrategy) };
    return { ...rest, updateStrategy: { type: "RollingUpdate", rollingUpdate } };
  },
};

const RESTS = `the target runs nowhere: remove ${IDLE_NODES} from its node selector to adopt it`;

function isFrozen({ spec }: Pick<DaemonSet, "spec">): boolean {
  return spec.updateStrategy?.type === "OnDelete";
}

function noneLeftOver(status: DaemonSet["status"]): boolean {
  return (status?.numberMisscheduled ?? 0) === 0;
}

function surgeOf(strategy: DaemonSet["spec"]["updateStrategy"]): number | string {
  const surge = strategy?.rollingUpdate?.maxSurge;
  return surge === undefined || surge === 0 || surge === "0%" ? 1 : surge;
}

function hostPortOf({ containers }: PodSpec): number | undefined {
  return containers.flatMap(({ ports }) => ports ?? []).find(({ hostPort }) => hostPort !== undefined)?.hostPort;
}

interface Mount {
  readonly name: string;
  readonly readOnly?: boolean;
}

function writableHostPath({ containers, initContainers = [], volumes = [] }: PodSpec): string | undefined {
  const mounts = [...containers, ...initContainers].flatMap(
    (container) => (container["volumeMounts"] ?? []) as readonly Mount[],
  );
  const volume = volumes.find(
    ({ name, hostPath }) =>
      hostPath !== undefined && mounts.some((mount) => mount.name === name && mount.readOnly !== true),
  );
  if (volume === undefined) return undefined;
  return `volume ${volume.name} writes to the node's ${(volume["hostPath"] as { path?: string }).path ?? "path"}`;
}

const SELECTOR_PATH = "/spec/template/spec/nodeSelector";
const IDLE_PATH = `${SELECTOR_PATH}/${IDLE_NODES.replace("/", "~1")}`;

function nodeSelectorOf(template: PodTemplateSpec): NodeSelector | undefined {
  return template.spec["nodeSelector"] as NodeSelector | undefined;
}

function idle({ metadata, spec }: DaemonSet): readonly PatchOperation[] {
  const held = nodeSelectorOf(spec.template);
  if (held?.[IDLE_NODES] !== undefined) return [];
  if (held !== undefined) return [{ op: "add", path: IDLE_PATH, value: "true" }];
  return [
    // Whoever adds a selector in the same moment must not lose it.
    { op: "test", path: "/metadata/generation", value: metadata.generation ?? 0 },
    { op: "add", path: SELECTOR_PATH, value: { [IDLE_NODES]: "true" } },
  ];
}

function wake({ spec }: DaemonSet): readonly PatchOperation[] {
  const held = nodeSelectorOf(spec.template);
  if (held?.[IDLE_NODES] === undefined) return [];
  if (Object.keys(held).length > 1) return [{ op: "remove", path: IDLE_PATH }];
  return [
    { op: "test", path: SELECTOR_PATH, value: held },
    { op: "remove", path: SELECTOR_PATH },
  ];
}

function withoutIdle(template: PodTemplateSpec): PodTemplateSpec {
  const held = nodeSelectorOf(template);
  if (held?.[IDLE_NODES] === undefined) return template;
  const { [IDLE_NODES]: _idle, ...nodeSelector } = held;
  const { nodeSelector: _held, ...spec } = template.spec;
  return {
    ...template,
    spec: Object.keys(nodeSelector).length === 0 ? spec : { ...spec, nodeSelector },
  };
}

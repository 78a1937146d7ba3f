/** Names of everything that belongs to one canary, derived from its target alone. */
export interface Names {
  readonly namespace: string;
  /** The Canary object. */
  readonly canary: string;
  /** The user's workload, which is also the name of the apex Service. */
  readonly target: string;
  /** Our copy of the workload, and the leaf Service in front of it. */
  readonly primary: string;
  /** The pods of the version before, kept for a Rollback, and the Service that lists them. */
  readonly previous: string;
  /** The leaf Service in front of the target's pods. */
  readonly canaryService: string;
}

export function namesOf(canary: {
  readonly metadata: { readonly namespace?: string; readonly name: string };
  readonly spec: { readonly targetRef: { readonly name: string } };
}): Names {
  const target = canary.spec.targetRef.name;
  return {
    namespace: canary.metadata.namespace ?? "default",
    canary: canary.metadata.name,
    target,
    primary: `${target}-primary`,
    previous: `${target}-previous`,
    canaryService: `${target}-canary`,
  };
}

/** Marks the objects that Aviary made. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "aviary" } as const;

/** Whether Aviary made an object. */
export function isOurs(object: { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } }): boolean {
  return Object.entries(MANAGED_BY).every(([key, value]) => object.metadata.labels?.[key] === value);
}

/**
 * On every object that Aviary makes: tools that keep a cluster as Git says leave it alone. Flux does not apply it and
 * Helm's controller does not look for drift in it; Argo CD does not prune it and does not call it out of sync.
 */
export const LEFT_ALONE = {
  "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
  "argocd.argoproj.io/sync-options": "Prune=false",
  "helm.toolkit.fluxcd.io/driftDetection": "disabled",
  "kustomize.toolkit.fluxcd.io/prune": "disabled",
  "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
} as const;

/** `managed-by` of the EndpointSlices that Aviary fills; the cluster's controllers leave such slices alone. */
export const SLICE_MANAGER = "aviary.dev";

export const annotations = {
  /** On the primary: the revision that it was copied from. */
  revision: "aviary.dev/revision",
  /** On the target: whatever CI wants to find again in the status. */
  release: "aviary.dev/release",
  /** In a template: set by `kubectl rollout restart`. */
  restartedAt: "kubectl.kubernetes.io/restartedAt",
  /** On the primary: release of the revision that it was copied from. */
  primaryRelease: "aviary.dev/primary-release",
  /** On the primary: which copy stands for which object of the target's configuration. */
  configuration: "aviary.dev/configuration",
  /** On a ConfigMap or Secret of the user's: `"false"` when a change of it is no release. */
  track: "aviary.dev/track",
  /** On a copy: the name of the object that it was copied from. */
  copyOf: "aviary.dev/copy-of",
  /** On the copy of what scales or guards: fingerprint of what was copied, so that a field that is removed is noticed. */
  copied: "aviary.dev/copied",
  /** On a Secret: cert-manager renews it by itself. */
  certificate: "cert-manager.io/certificate-name",
  /** On the primary: the version that it ran before, with its pod template, for putting it back. */
  before: "aviary.dev/before",
} as const;

/** In the node selector of an idle DaemonSet: a label that no node has. It is no part of the revision. */
export const IDLE_NODES = "aviary.dev/idle";

/** Holds a Canary until its traffic is handed back. */
export const FINALIZER = "aviary.dev/hand-back";

/** Name of the slice with which Aviary feeds a Service. */
export function feedName(service: string): string {
  return `${service}-aviary`;
}

/** On such a slice: when it was filled last, since objects do not say when they were changed. */
export const FED_AT = "aviary.dev/fed-at";

/** Name of the slice by which pods of the canary stand behind the apex Service, where there is no router. */
export function shareName(service: string): string {
  return `${service}-aviary-share`;
}

/** On a Job and its pod: the Canary that it judges, as a label says its name. */
export const JOB_FOR = "aviary.dev/job-for";

/** On the pod of a Job of ours: the Job. */
export const JOB_NAME = "aviary.dev/job";

/** On the copy of a ConfigMap or Secret: the target whose primary it is for. */
export const COPY_FOR = "aviary.dev/copy-for";

const MAX_NAME = 253;

/** Name of the copy that holds certain values of an object, told apart by a fingerprint of them. */
export function copyName(name: string, fingerprint: string): string {
  const ending = `-primary-${fingerprint}`;
  // What stays of a long name must not end in what names cannot end in before a dash.
  return `${name.slice(0, MAX_NAME - ending.length).replace(/[.-]+$/, "")}${ending}`;
}

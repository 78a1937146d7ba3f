import { parseDuration, DURATION_PATTERN } from "../../lib/time.ts";
import type { Finding } from "./finding.ts";
import type { ManifestObject } from "./manifests.ts";

/** A finding before it is said where. */
export type Advice = Pick<Finding, "level" | "message">;

interface CanarySpec {
  readonly targetRef?: { readonly kind?: string; readonly name?: string };
  readonly strategy?: {
    readonly canary?: { readonly steps?: readonly { readonly weight?: number; readonly hold?: string }[] };
  };
  readonly analysis?: { readonly unjudged?: boolean; readonly interval?: string };
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly strategy?: { readonly rollingUpdate?: { readonly maxUnavailable?: unknown } };
  readonly template?: {
    readonly spec?: { readonly containers?: readonly { readonly name?: string; readonly readinessProbe?: unknown }[] };
  };
}

const warning = (message: string): Advice => ({ level: "warning", message });

/** A first step above this share shows a bad version to too many. */
const BOLD_WEIGHT = 50;

/** What is allowed in a Canary and unwise. */
export function adviceOnCanary({ spec }: ManifestObject): readonly Advice[] {
  const { strategy, analysis } = (spec ?? {}) as CanarySpec;
  const steps = strategy?.canary?.steps ?? [];
  const first = steps[0]?.weight ?? 0;
  const interval = durationMs(analysis?.interval);
  const short = steps.filter(({ hold }) => (durationMs(hold) ?? Infinity) < (interval ?? 0));
  return [
    ...(analysis?.unjudged === true
      ? [warning("spec.analysis.unjudged: nothing judges a new version; every release that starts is promoted")]
      : []),
    ...(first >= BOLD_WEIGHT
      ? [
          warning(
            `spec.strategy.canary.steps[0].weight: ${first} % of all users meet a new version before anything is known of it`,
          ),
        ]
      : []),
    ...short.map(({ weight, hold }) =>
      warning(
        `spec.strategy.canary.steps: weight ${weight ?? "?"} is held for ${hold ?? "?"}, which is shorter than spec.analysis.interval; the step lasts as long as one reading takes`,
      ),
    ),
  ];
}

function durationMs(text: string | undefined): number | undefined {
  return text !== undefined && DURATION_PATTERN.test(text) ? parseDuration(text) : undefined;
}

/** What is allowed in the workload of a Canary and unwise. */
export function adviceOnWorkload({ kind, spec }: ManifestObject): readonly Advice[] {
  const { replicas, strategy, template } = (spec ?? {}) as WorkloadSpec;
  const containers = template?.spec?.containers ?? [];
  const unprobed = containers.every(({ readinessProbe }) => readinessProbe === undefined);
  const maxUnavailable = strategy?.rollingUpdate?.maxUnavailable;
  return [
    ...(unprobed && containers.length > 0
      ? [
          warning(
            "spec.template: no container has a readinessProbe, so pods get users as soon as their process runs, in every step and in the promotion",
          ),
        ]
      : []),
    ...(replicas !== undefined
      ? [
          warning(
            `spec.replicas: ${replicas} comes back with every apply and starts pods beside the primary; leave it out, Aviary sizes the ${kind ?? "workload"}`,
          ),
        ]
      : []),
    ...(maxUnavailable !== undefined && maxUnavailable !== 0
      ? [
          warning(
            `spec.strategy.rollingUpdate.maxUnavailable: the primary changes with 0 instead; leave room for its maxSurge`,
          ),
        ]
      : []),
  ];
}

/** The workload that a Canary is for, among the manifests. */
export function targetOf(canary: ManifestObject, all: readonly ManifestObject[]): ManifestObject | undefined {
  const { targetRef } = (canary.spec ?? {}) as CanarySpec;
  const namespace = canary.metadata?.namespace;
  return all.find(
    ({ kind, metadata }) =>
      kind === targetRef?.kind && metadata?.name === targetRef?.name && metadata?.namespace === namespace,
  );
}

import { recordOf, withCopies, withoutCopies } from "../kube/configuration.ts";
import type { CopyRecord } from "../kube/configuration.ts";
import { apiVersionOf } from "../kube/kinds.ts";
import type { Labels, LabelSelectorRequirement, PodSpec, PodTemplateSpec, WorkloadObject } from "../kube/objects.ts";
import { isTrackingKey } from "../lib/labels.ts";
import { annotations, MANAGED_BY } from "../lib/names.ts";
import type { Before } from "../kube/before.ts";
import { noteBefore } from "../kube/before.ts";
import type { PrimaryLabel } from "../observe/label.ts";
import type { WorkloadKind } from "../workloads/workload.ts";

interface PrimaryInput {
  readonly workload: WorkloadKind;
  readonly target: WorkloadObject;
  /** The primary as it is now, if there is one. */
  readonly primary?: WorkloadObject | undefined;
  readonly name: string;
  readonly label: PrimaryLabel;
  readonly replicas: number;
  readonly revision: string;
  /** The copies that its pods are configured with. */
  readonly copies: CopyRecord;
}

/**
 * The primary: the target under another name, with one selector label changed, so that no selector of the target's
 * matches its pods. It carries no ownerReference: nothing that happens to the Canary may collect the pods that serve.
 */
export function primaryFrom(input: PrimaryInput): WorkloadObject {
  const { workload, target, name, label, replicas, revision, copies } = input;
  const { metadata } = target;
  const { selector } = target.spec;
  const release = metadata.annotations?.[annotations.release];
  const before = noteBefore(input.primary, revision);
  return {
    apiVersion: apiVersionOf(workload.kind),
    kind: workload.kind.kind,
    metadata: {
      name,
      namespace: metadata.namespace ?? "default",
      labels: { ...ownLabels(metadata.labels, label), ...MANAGED_BY },
      annotations: {
        [annotations.revision]: revision,
        ...(release === undefined ? {} : { [annotations.primaryRelease]: release }),
        ...(Object.keys(copies).length === 0 ? {} : { [annotations.configuration]: JSON.stringify(copies) }),
        ...(before === undefined ? {} : { [annotations.before]: before }),
      },
    },
    spec: {
      ...workload.primarySpec(target, { name, replicas }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [label.key]: label.value } },
      template: withCopies(relabel(workload.template(target), label, selector.matchLabels?.[label.key]), copies),
    },
  };
}

interface Restored {
  readonly workload: WorkloadKind;
  readonly primary: WorkloadObject;
  readonly before: Before;
  readonly replicas: number;
}

/** The primary with the version that it had before; everything else in it stays. */
export function restoredPrimary({ workload, primary, before, replicas }: Restored): WorkloadObject {
  const { revision, release, configuration, template } = before;
  const { name, namespace = "default", labels } = primary.metadata;
  return {
    apiVersion: apiVersionOf(workload.kind),
    kind: workload.kind.kind,
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...MANAGED_BY },
      annotations: {
        [annotations.revision]: revision,
        ...(release === undefined ? {} : { [annotations.primaryRelease]: release }),
        ...(configuration === undefined ? {} : { [annotations.configuration]: configuration }),
      },
    },
    spec: { ...workload.primarySpec(primary, { name, replicas }), selector: primary.spec.selector, template },
  };
}

/** A copy of a workload's pods for `label.key` with another value; `from` is the copy's or the primary's. */
export function templateWith(from: WorkloadObject, key: string, value: string): PodTemplateSpec {
  return relabel(from.spec.template, { key, value }, from.spec.selector.matchLabels?.[key]);
}

/** The promoted template as the target had it: that of the copy which serves, with the label and the user's references put back. */
export function targetTemplateFrom(from: WorkloadObject, target: WorkloadObject, key: string): PodTemplateSpec {
  const own = { ...from, spec: { ...from.spec, template: withoutCopies(from.spec.template, recordOf(from)) } };
  return templateWith(own, key, target.spec.selector.matchLabels?.[key] ?? "");
}

/** A template with another value of the label, also where its own scheduling rules select by it. */
function relabel(template: PodTemplateSpec, label: PrimaryLabel, before: string | undefined): PodTemplateSpec {
  const labels = { ...template.metadata?.labels, [label.key]: label.value };
  const spec = before === undefined ? template.spec : relabelScheduling(template.spec, label, before);
  return { ...template, metadata: { ...template.metadata, labels }, spec };
}

/** Of a pod's own fields only these select pods; a claim template, for instance, selects volumes by labels alike. */
const SCHEDULING = ["affinity", "topologySpreadConstraints"] as const;

function relabelScheduling(spec: PodSpec, label: PrimaryLabel, before: string): PodSpec {
  const held = SCHEDULING.filter((field) => spec[field] !== undefined);
  return { ...spec, ...Object.fromEntries(held.map((field) => [field, relabelSelectors(spec[field], label, before)])) };
}

/** Spread constraints and affinities that name the pods of this workload must go on doing so. */
function relabelSelectors(value: unknown, label: PrimaryLabel, before: string): unknown {
  if (Array.isArray(value)) return value.map((element) => relabelSelectors(element, label, before));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      // Nodes and namespaces have labels of their own.
      if (key === "nodeAffinity" || key === "namespaceSelector") return [key, child];
      if (key === "matchLabels" && (child as Labels)[label.key] === before) {
        return [key, { ...(child as Labels), [label.key]: label.value }];
      }
      if (key === "matchExpressions") {
        return [key, (child as readonly LabelSelectorRequirement[]).map((term) => relabelTerm(term, label, before))];
      }
      return [key, relabelSelectors(child, label, before)];
    }),
  );
}

function relabelTerm(term: LabelSelectorRequirement, label: PrimaryLabel, before: string): LabelSelectorRequirement {
  if (term.key !== label.key || term.values === undefined) return term;
  return { ...term, values: term.values.map((value) => (value === before ? label.value : value)) };
}

function ownLabels(labels: Labels | undefined, label: PrimaryLabel): Labels {
  // With a copy of them those tools would take our object for one of theirs, and prune it.
  const kept = Object.entries(labels ?? {}).filter(([key]) => !isTrackingKey(key));
  const copied = Object.fromEntries(kept);
  return label.key in copied ? { ...copied, [label.key]: label.value } : copied;
}

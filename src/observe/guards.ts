import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import { matchesSelector } from "../kube/labelSelector.ts";
import type {
  Labels,
  LabelSelector,
  NetworkPolicy,
  NetworkPolicyPeer,
  PodDisruptionBudget,
  WorkloadObject,
} from "../kube/objects.ts";
import { annotations, COPY_FOR, isOurs } from "../lib/names.ts";
import type { Names } from "../lib/names.ts";
import { compareCompanions, companionName, guardKinds } from "./companions.ts";
import type { Companions, CompanionPlan } from "./companions.ts";
import type { PrimaryLabel } from "./label.ts";

export interface GuardsInput {
  readonly names: Names;
  readonly target: WorkloadObject | undefined;
  readonly primary: WorkloadObject | undefined;
  readonly label: PrimaryLabel | undefined;
}

export const noCompanions: Companions = { wanted: [], stale: [], existing: [], taken: [] };

/**
 * PodDisruptionBudgets and NetworkPolicies that name the target's pods, made to hold for the primary's: a copy with the
 * primary's label where they do not select both anyway.
 */
export function guardsOf(reads: FreshReads, { names, target, primary, label }: GuardsInput): Companions {
  const before = label === undefined ? undefined : target?.spec.selector.matchLabels?.[label.key];
  if (target === undefined || label === undefined || before === undefined) return noCompanions;
  const { namespace } = names;
  const pods = (primary ?? target).spec.template.metadata?.labels ?? {};
  const swap: Swap = { label, before, pods };
  const ref = { namespace, name: before };
  const budgets = reads
    .related<PodDisruptionBudget>(kinds.podDisruptionBudget, ref)
    .filter((budget) => !isOurs(budget) && misses(swap, budget.spec?.selector))
    .map((source) => ({
      kind: kinds.podDisruptionBudget,
      source,
      name: companionName(source.metadata.name, names.target),
      spec: { ...source.spec, selector: swapped(swap, source.spec?.selector) },
    }));
  const policies = reads
    .related<NetworkPolicy>(kinds.networkPolicy, ref)
    .flatMap((source) => policyPlan(reads, { source, swap, names }));
  return compareCompanions(reads, names, { kinds: guardKinds, plans: [...budgets, ...policies] });
}

interface Swap {
  readonly label: PrimaryLabel;
  /** The target's value of that label. */
  readonly before: string;
  readonly pods: Labels;
}

/** Whether a selector selects the target's pods and not the primary's. */
function misses({ label, before, pods }: Swap, selector: LabelSelector | undefined): boolean {
  if (selector === undefined) return false;
  const primary = { ...pods, [label.key]: label.value };
  return matchesSelector(selector, { ...pods, [label.key]: before }) && !matchesSelector(selector, primary);
}

/** The selector with the primary's value in the place of the target's. */
function swapped({ label, before }: Swap, selector: LabelSelector | undefined): LabelSelector {
  const { matchLabels, matchExpressions } = selector ?? {};
  return {
    ...selector,
    ...(matchLabels?.[label.key] === before ? { matchLabels: { ...matchLabels, [label.key]: label.value } } : {}),
    ...(matchExpressions === undefined
      ? {}
      : {
          matchExpressions: matchExpressions.map((expression) =>
            expression.key === label.key && expression.operator === "In"
              ? { ...expression, values: expression.values?.map((value) => (value === before ? label.value : value)) }
              : expression,
          ),
        }),
  } as LabelSelector;
}

interface PolicyInput {
  readonly source: NetworkPolicy;
  readonly swap: Swap;
  readonly names: Names;
}

/**
 * NetworkPolicies add up, so a copy only has to allow what the primary is to have. The pods it guards become the
 * primary's; a peer that is the target gets the primary beside it, also in the policies of others: a database that lets
 * `app=web` in must let the primary in as well.
 */
function policyPlan(reads: FreshReads, { source, swap, names }: PolicyInput): readonly CompanionPlan[] {
  const { spec } = source;
  const forOther = isOurs(source);
  if (spec === undefined || (forOther && !guardsAnotherPrimary(reads, source, names))) return [];
  const guards = misses(swap, spec.podSelector);
  if (forOther && guards) return [];
  let widened = false;
  const widen = (peers: readonly NetworkPolicyPeer[] | undefined): readonly NetworkPolicyPeer[] | undefined =>
    peers?.flatMap((peer) => {
      if (!misses(swap, peer.podSelector)) return [peer];
      widened = true;
      return [peer, { ...peer, podSelector: swapped(swap, peer.podSelector) }];
    });
  const ingress = spec.ingress?.map((rule) => (rule.from === undefined ? rule : { ...rule, from: widen(rule.from) }));
  const egress = spec.egress?.map((rule) => (rule.to === undefined ? rule : { ...rule, to: widen(rule.to) }));
  if (!guards && !widened) return [];
  return [
    {
      kind: kinds.networkPolicy,
      source,
      name: companionName(source.metadata.name, names.target),
      spec: {
        ...spec,
        ...(guards ? { podSelector: swapped(swap, spec.podSelector) } : {}),
        ...(ingress === undefined ? {} : { ingress }),
        ...(egress === undefined ? {} : { egress }),
      },
    },
  ];
}

/**
 * Whether a policy is a copy that guards the primary of another canary: of the target as its peer it knows nothing of
 * ours yet. Copies of copies go no further, so that two canaries that talk to each other come to an end.
 */
function guardsAnotherPrimary(reads: FreshReads, policy: NetworkPolicy, { namespace, target }: Names): boolean {
  const marks = policy.metadata.annotations ?? {};
  const name = marks[annotations.copyOf];
  if (name === undefined || policy.metadata.labels?.[COPY_FOR] === target) return false;
  const original = reads.get<NetworkPolicy>(kinds.networkPolicy, { namespace, name });
  if (original === undefined || isOurs(original)) return false;
  return JSON.stringify(original.spec?.podSelector) !== JSON.stringify(policy.spec?.podSelector);
}

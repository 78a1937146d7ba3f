import type { Canary } from "../../src/api/canary.ts";
import { parseCanary } from "../../src/reconcile.ts";
import { aCanary } from "../lives/manifests.ts";

/** A canary of which a first weight of 20 came into effect at a moment. What `metadata` says replaces the manifest's. */
export function canaryUnderWeight(spec: object, at: string, metadata?: object): Canary {
  const object = aCanary(spec);
  const rollout = {
    revision: "2",
    startedAt: at,
    step: 0,
    weight: 20,
    weightSince: at,
    effectiveSince: at,
    firstWeightAt: at,
  };
  const parsed = parseCanary({ ...object, metadata: metadata ?? object.metadata, status: { rollout } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.canary;
}

import { badAnalyses, badSwitches } from "./badAnalyses.ts";
import { badCanaries } from "./badCanaries.ts";
import { badProviders } from "./badProviders.ts";
import { badStrategies } from "./badStrategies.ts";
import { badTemplates } from "./badTemplates.ts";
import { badTraffic } from "./badTraffic.ts";
import type { BadManifest } from "./manifests.ts";
import { action } from "./manifests.ts";

export type { BadManifest, Manifest } from "./manifests.ts";

const badActions: readonly BadManifest[] = [
  {
    name: "an action in lower case",
    manifest: action({ action: "approve" }),
    says: [
      'spec.action: Unsupported value: "approve": supported values: "Approve", "Pause", "Resume", "Promote", "PromoteFull", "Skip", "Abort", "Retry", "Rollback"',
    ],
  },
  { name: "no action", manifest: action({ action: undefined }), says: ["spec.action: Required value"] },
  {
    name: "an action upon nothing",
    manifest: action({ canaryRef: undefined }),
    says: ["spec.canaryRef: Required value"],
  },
  {
    name: "an action upon a nameless Canary",
    manifest: action({ canaryRef: {} }),
    says: ["spec.canaryRef.name: Required value"],
  },
  {
    name: "a step of an action that has none",
    manifest: action({ action: "Abort", step: 2 }),
    says: ["spec.step: Invalid value", "belongs to the action Approve only; leave it out"],
  },
  {
    name: "step 0, since they count from 1",
    manifest: action({ step: 0 }),
    says: ["spec.step: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "a reason of a book's length",
    manifest: action({ reason: "x".repeat(1025) }),
    says: ["spec.reason: Too long: may not be more than 1024"],
  },
  {
    name: "another action in the same object",
    before: action(),
    manifest: action({ action: "Abort" }),
    says: ["spec: Forbidden: an action cannot be changed; create another one"],
  },
  {
    name: "an action that gets an author later",
    before: action(),
    manifest: action({ requestedBy: "bob" }),
    says: ["spec: Forbidden: an action cannot be changed; create another one"],
  },
];

/** Manifests that every API server refuses, with parts of the sentences that it says. */
export const badManifests: readonly BadManifest[] = [
  ...badCanaries,
  ...badAnalyses,
  ...badSwitches,
  ...badTraffic,
  ...badStrategies,
  ...badActions,
  ...badProviders,
  ...badTemplates,
];

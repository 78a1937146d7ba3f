import { badAnalyses, badSwitches } from "./badAnalyses.ts";
import { badCanaries } from "./badCanaries.ts";
import { badStrategies } from "./badStrategies.ts";
import { badTraffic } from "./badTraffic.ts";
import type { BadManifest } from "./manifests.ts";
import { action, clusterMetricProvider, metricProvider, rawMetricProvider } from "./manifests.ts";

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

const secretRef = { name: "credentials", key: "token" };

const badProviders: readonly BadManifest[] = [
  {
    name: "a provider without a block",
    manifest: rawMetricProvider({}),
    says: ["spec: Invalid value", "needs the block prometheus"],
  },
  {
    name: "an unknown kind of provider",
    manifest: rawMetricProvider({ graphite: {} }),
    says: ['unknown field "spec.graphite"'],
  },
  {
    name: "a provider without an address",
    manifest: metricProvider({ url: undefined }),
    says: ["spec.prometheus.url: Required value"],
  },
  {
    name: "an address that is not HTTP",
    manifest: metricProvider({ url: "prometheus:9090" }),
    says: ['spec.prometheus.url: Invalid value: "prometheus:9090": must'],
  },
  {
    name: "credentials in an address",
    manifest: metricProvider({ url: "https://user:secret@prometheus" }),
    says: ["spec.prometheus.url: Invalid value", "without user, password, query and fragment"],
  },
  {
    name: "a time-out of an hour",
    manifest: metricProvider({ timeout: "1h" }),
    says: ['spec.prometheus.timeout: Invalid value: "1h": must be a duration from'],
  },
  {
    name: "two ways to log in",
    manifest: metricProvider({
      bearerToken: { secretRef },
      basicAuth: { username: "me", passwordSecretRef: secretRef },
    }),
    says: ["spec.prometheus: Invalid value", "bearerToken"],
  },
  {
    name: "a Secret without a key",
    manifest: metricProvider({ bearerToken: { secretRef: { name: "credentials" } } }),
    says: ["spec.prometheus.bearerToken.secretRef.key: Required value"],
  },
  {
    name: "a Secret of another namespace",
    manifest: metricProvider({ bearerToken: { secretRef: { ...secretRef, namespace: "kube-system" } } }),
    says: ['unknown field "spec.prometheus.bearerToken.secretRef.namespace"'],
  },
  {
    name: "a Secret of no namespace for the whole cluster",
    manifest: clusterMetricProvider({ bearerToken: { secretRef } }),
    says: ["spec.prometheus.bearerToken.secretRef.namespace: Required value"],
  },
  {
    name: "a header without a value",
    manifest: metricProvider({ headers: [{ name: "X-Scope-OrgID" }] }),
    says: ["spec.prometheus.headers[0]: Invalid value", "choose exactly one of value, valueSecretRef"],
  },
  {
    name: "two headers of one name",
    manifest: metricProvider({ headers: [1, 2].map((n) => ({ name: "X-Scope-OrgID", value: `${n}` })) }),
    says: ['spec.prometheus.headers[1]: Duplicate value: {"name":"X-Scope-OrgID"}'],
  },
  {
    name: "a header over two lines",
    manifest: metricProvider({ headers: [{ name: "X-Scope-OrgID", value: "a\nb" }] }),
    says: ["spec.prometheus.headers[0].value: Invalid value", "must be printable ASCII on one line"],
  },
  {
    name: "a password of nobody",
    manifest: metricProvider({ basicAuth: { passwordSecretRef: secretRef } }),
    says: ["spec.prometheus.basicAuth: Invalid value", "choose exactly one of username, usernameSecretRef; found none"],
  },
  {
    name: "TLS without an https address",
    manifest: metricProvider({ tls: { insecureSkipVerify: true } }),
    says: ["spec.prometheus.tls: Invalid value", "tls needs an https address in url"],
  },
  {
    name: "a client certificate without its key",
    manifest: metricProvider({ url: "https://prometheus", tls: { certSecretRef: secretRef } }),
    says: ["spec.prometheus.tls: Invalid value", "a client certificate needs both certSecretRef and keySecretRef"],
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
];

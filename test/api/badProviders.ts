import type { BadManifest } from "./manifests.ts";
import { clusterMetricProvider, metricProvider, rawMetricProvider } from "./manifests.ts";

const secretRef = { name: "credentials", key: "token" };
const accessKey = { idSecretRef: secretRef, secretSecretRef: secretRef };

/** Providers whose back-end could not be asked. */
export const badProviders: readonly BadManifest[] = [
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
    name: "a region that is none",
    manifest: metricProvider({ sigV4: { region: "Frankfurt", accessKey } }),
    says: ["spec.prometheus.sigV4.region: Invalid value", "must be a region of AWS, such as eu-central-1"],
  },
  {
    name: "a role of AWS without an account",
    manifest: metricProvider({ sigV4: { region: "eu-central-1", accessKey, roleArn: "metrics" } }),
    says: ["spec.prometheus.sigV4.roleArn: Invalid value", "must be the ARN of a role"],
  },
  {
    name: "the controller's identity at AWS for one namespace",
    manifest: metricProvider({ sigV4: { region: "eu-central-1" } }),
    says: ["spec.prometheus.sigV4.accessKey: Required value"],
  },
  {
    name: "the controller's identity at Google Cloud for one namespace",
    manifest: metricProvider({ google: {} }),
    says: ["spec.prometheus.google.serviceAccountSecretRef: Required value"],
  },
  {
    name: "a signature and a token",
    manifest: metricProvider({ sigV4: { region: "eu-central-1", accessKey }, bearerToken: { secretRef } }),
    says: ["spec.prometheus: Invalid value", "choose at most one of bearerToken, basicAuth, sigV4, google"],
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

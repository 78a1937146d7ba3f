import type { BadManifest } from "./manifests.ts";
import { clusterMetricProvider, metricProvider, rawMetricProvider } from "./manifests.ts";

const secretRef = { name: "credentials", key: "token" };
const accessKey = { idSecretRef: secretRef, secretSecretRef: secretRef };

/** Providers whose back-end could not be asked. */
export const badProviders: readonly BadManifest[] = [
  {
    name: "a provider without a block",
    manifest: rawMetricProvider({}),
    says: ["spec: Invalid value", "choose exactly one of prometheus, datadog, newRelic,", "json; found none"],
  },
  {
    name: "an unknown kind of provider",
    manifest: rawMetricProvider({ statsd: {} }),
    says: ['unknown field "spec.statsd"'],
  },
  {
    name: "two kinds of provider",
    manifest: rawMetricProvider({ graphite: { url: "http://graphite" }, prometheus: { url: "http://prometheus" } }),
    says: ["spec: Invalid value", "choose exactly one of prometheus", "found prometheus graphite"],
  },
  {
    name: "Datadog without an application key",
    manifest: rawMetricProvider({ datadog: { apiKey: { secretRef } } }),
    says: ["spec.datadog.applicationKey: Required value"],
  },
  {
    name: "Datadog with a key in plain text",
    manifest: rawMetricProvider({ datadog: { apiKey: "abc", applicationKey: { secretRef } } }),
    says: ["spec.datadog.apiKey: Invalid value", "must be of type object"],
  },
  {
    name: "Datadog with an aggregator of its own",
    manifest: rawMetricProvider({
      datadog: { apiKey: { secretRef }, applicationKey: { secretRef }, aggregator: "p99" },
    }),
    says: ['spec.datadog.aggregator: Unsupported value: "p99"'],
  },
  {
    name: "New Relic with the account in words",
    manifest: rawMetricProvider({ newRelic: { accountId: "shop", apiKey: { secretRef } } }),
    says: ["spec.newRelic.accountId: Invalid value", "must be of type integer"],
  },
  {
    name: "CloudWatch without a region",
    manifest: rawMetricProvider({ cloudWatch: { accessKey } }),
    says: ["spec.cloudWatch.region: Required value"],
  },
  {
    name: "CloudWatch as the controller for one namespace",
    manifest: rawMetricProvider({ cloudWatch: { region: "eu-central-1" } }),
    says: ["spec.cloudWatch.accessKey: Required value"],
  },
  {
    name: "CloudWatch with points of a day",
    manifest: rawMetricProvider({ cloudWatch: { region: "eu-central-1", accessKey, period: "24h" } }),
    says: ['spec.cloudWatch.period: Invalid value: "24h": must be a duration from 1s to 1h'],
  },
  {
    name: "Google Cloud Monitoring of a project with a path",
    manifest: rawMetricProvider({ googleCloudMonitoring: { project: "a/b", serviceAccountSecretRef: secretRef } }),
    says: ["spec.googleCloudMonitoring.project: Invalid value", "must be the id of a project"],
  },
  {
    name: "Google Cloud Monitoring as the controller for one namespace",
    manifest: rawMetricProvider({ googleCloudMonitoring: { project: "shop" } }),
    says: ["spec.googleCloudMonitoring.serviceAccountSecretRef: Required value"],
  },
  {
    name: "Dynatrace without an environment",
    manifest: rawMetricProvider({ dynatrace: { token: { secretRef } } }),
    says: ["spec.dynatrace.url: Required value"],
  },
  {
    name: "Graphite with two ways to log in",
    manifest: rawMetricProvider({
      graphite: {
        url: "http://graphite",
        bearerToken: { secretRef },
        basicAuth: { username: "me", passwordSecretRef: secretRef },
      },
    }),
    says: ["spec.graphite: Invalid value", "choose at most one of bearerToken, basicAuth"],
  },
  {
    name: "Graphite over a window of a second",
    manifest: rawMetricProvider({ graphite: { url: "http://graphite", window: "1s" } }),
    says: ['spec.graphite.window: Invalid value: "1s": must be a duration from 10s to 24h'],
  },
  {
    name: "InfluxDB in no language",
    manifest: rawMetricProvider({ influxdb: { url: "http://influxdb:8086" } }),
    says: ["spec.influxdb: Invalid value", "choose exactly one of flux, influxQL, sql; found none"],
  },
  {
    name: "Flux without an organisation",
    manifest: rawMetricProvider({ influxdb: { url: "http://influxdb:8086", flux: {} } }),
    says: ["spec.influxdb.flux.org: Required value"],
  },
  {
    name: "Splunk with a password in its address",
    manifest: rawMetricProvider({ splunk: { url: "https://admin:secret@splunk:8089" } }),
    says: ["spec.splunk.url: Invalid value", "without user, password, query and fragment"],
  },
  {
    name: "Splunk Observability Cloud without a token",
    manifest: rawMetricProvider({ splunkObservability: {} }),
    says: ["spec.splunkObservability.token: Required value"],
  },
  {
    name: "an index for a language that names it itself",
    manifest: rawMetricProvider({ elasticsearch: { url: "http://es:9200", language: "ESQL", index: "logs" } }),
    says: ["spec.elasticsearch.index: Invalid value", "index belongs to the language Search only"],
  },
  {
    name: "an index with a path",
    manifest: rawMetricProvider({ elasticsearch: { url: "http://es:9200", index: "logs/_delete" } }),
    says: ["spec.elasticsearch.index: Invalid value", "must be the name of an index"],
  },
  {
    name: "JSON without saying where the number is",
    manifest: rawMetricProvider({ json: { url: "http://scores" } }),
    says: ["spec.json.value: Required value"],
  },
  {
    name: "JSON by a method that changes things",
    manifest: rawMetricProvider({ json: { url: "http://scores", value: "$.score", method: "DELETE" } }),
    says: ['spec.json.method: Unsupported value: "DELETE"'],
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

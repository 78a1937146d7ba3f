import { cloudWatch } from "./cloudWatch.ts";
import { datadog } from "./datadog.ts";
import { dynatrace } from "./dynatrace.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { googleCloudMonitoring } from "./googleCloudMonitoring.ts";
import { graphite } from "./graphite.ts";
import { influxdb } from "./influxdb.ts";
import { json } from "./json.ts";
import { newRelic } from "./newRelic.ts";
import { prometheus } from "./prometheus.ts";
import type { MetricProviderKind } from "./provider.ts";
import { splunk } from "./splunk.ts";
import { splunkObservability } from "./splunkObservability.ts";

/** Every kind of metrics back-end that Aviary can ask. A new one is one file and one line here. */
export const metricProviders: readonly MetricProviderKind[] = [
  prometheus,
  datadog,
  newRelic,
  cloudWatch,
  googleCloudMonitoring,
  dynatrace,
  graphite,
  influxdb,
  splunk,
  splunkObservability,
  elasticsearch,
  json,
];

/** The kind of back-end that goes by `name`, the key of its block in the spec of a provider. */
export function metricProviderFor(name: string): MetricProviderKind | undefined {
  return metricProviders.find((provider) => provider.name === name);
}

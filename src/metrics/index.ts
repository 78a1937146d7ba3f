import { prometheus } from "./prometheus.ts";
import type { MetricProviderKind } from "./provider.ts";

/** Every kind of metrics back-end that Aviary can ask. A new one is one file and one line here. */
export const metricProviders: readonly MetricProviderKind[] = [prometheus];

/** The kind of back-end that goes by `name`, the key of its block in the spec of a provider. */
export function metricProviderFor(name: string): MetricProviderKind | undefined {
  return metricProviders.find((provider) => provider.name === name);
}

import { z } from "zod";
import { needsInNamespaces, withRules } from "../api/schema.ts";
import { awsFields, awsSecrets } from "./cloud/aws.ts";
import { googleFields, googleSecrets } from "./cloud/google.ts";
import {
  atMostOneOf,
  connectionFields,
  loginFields,
  secretsOfEndpoint,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import type { SecretUse } from "./provider.ts";

/** `spec.prometheus` of a provider. */
export const prometheusSchema = withRules(
  z.object({
    url: urlField("http://prometheus.monitoring:9090").describe(
      "Address, with the path if Prometheus is not at the root. `/api/v1/query` is added to it.",
    ),
    ...connectionFields,
    ...loginFields,
    sigV4: needsInNamespaces(z.object(awsFields), "accessKey")
      .optional()
      .describe("Signs requests as Amazon Managed Service for Prometheus wants it (AWS Signature Version 4)."),
    google: needsInNamespaces(z.object(googleFields), "serviceAccountSecretRef")
      .optional()
      .describe("Sends a token of Google Cloud, as Managed Service for Prometheus wants it."),
  }),
  atMostOneOf(["bearerToken", "basicAuth", "sigV4", "google"]),
  tlsNeedsHttps,
).describe(
  "A Prometheus, or anything with its HTTP API: Thanos, Mimir, Cortex, VictoriaMetrics, Grafana Cloud, Amazon Managed Service for Prometheus, Google Cloud.",
);

export type PrometheusBlock = z.output<typeof prometheusSchema>;

/** The keys of Secrets that a block refers to. */
export function secretsOf(block: PrometheusBlock): readonly SecretUse[] {
  return [
    ...secretsOfEndpoint(block),
    ...(block.sigV4 === undefined ? [] : awsSecrets(block.sigV4)),
    ...(block.google === undefined ? [] : googleSecrets(block.google)),
  ];
}

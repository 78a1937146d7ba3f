import { z } from "zod";
import { duration, exactlyOneOf, listMap, secretKeyRef, withRules } from "../api/schema.ts";
import type { SecretKeyRef } from "../api/schema.ts";
import type { SecretUse } from "./provider.ts";

const HEADER_NAME = "^[A-Za-z0-9!#$%&*+.^_|~-]+$";

const basicAuth = withRules(
  z.object({
    username: z.string().min(1).max(253).optional().describe("User name."),
    usernameSecretRef: secretKeyRef().optional().describe("Secret with the user name."),
    passwordSecretRef: secretKeyRef().describe("Secret with the password."),
  }),
  exactlyOneOf(["username", "usernameSecretRef"]),
);

const tls = withRules(
  z.object({
    insecureSkipVerify: z.boolean().optional().describe("Accepts any certificate. Only for trying."),
    caSecretRef: secretKeyRef()
      .optional()
      .describe("Secret with the certificates (PEM) to trust instead of the usual ones."),
    certSecretRef: secretKeyRef().optional().describe("Secret with the client certificate (PEM)."),
    keySecretRef: secretKeyRef().optional().describe("Secret with the key of the client certificate (PEM)."),
  }),
  {
    rule: "has(self.certSecretRef) == has(self.keySecretRef)",
    message: "a client certificate needs both certSecretRef and keySecretRef",
  },
);

const header = withRules(
  z.object({
    name: withRules(z.string().min(1).max(64), {
      rule: `self.matches('${HEADER_NAME}')`,
      message: "must be the name of an HTTP header, such as X-Scope-OrgID",
    }).describe("Name of the header."),
    value: withRules(z.string().max(1024), {
      rule: "self.matches('^[ -~]*$')",
      message: "must be printable ASCII on one line",
    })
      .optional()
      .describe("Value, if it is no secret."),
    valueSecretRef: secretKeyRef().optional().describe("Secret with the value."),
  }),
  exactlyOneOf(["value", "valueSecretRef"]),
);

/** `spec.prometheus` of a provider. */
export const prometheusSchema = withRules(
  z.object({
    url: withRules(z.string().min(1).max(1024), {
      rule: "self.matches('^https?://[^/?#@ ]+(/[^?#@ ]*)?$')",
      message:
        "must be an http or https address without user, password, query and fragment, such as http://prometheus.monitoring:9090",
    }).describe("Address, with the path if Prometheus is not at the root. `/api/v1/query` is added to it."),
    timeout: duration({ min: "100ms", max: "2m" }).default("10s").describe("How long an answer may take."),
    bearerToken: z
      .object({ secretRef: secretKeyRef().describe("Secret with the token.") })
      .optional()
      .describe("Sends a bearer token."),
    basicAuth: basicAuth.optional().describe("Sends a user name and a password."),
    tls: tls.optional().describe("How an https address is spoken to."),
    headers: listMap(z.array(header.describe("A header.")).min(1).max(16), "name")
      .optional()
      .describe("More headers, such as that of a tenant."),
  }),
  {
    rule: "!(has(self.bearerToken) && has(self.basicAuth))",
    message: "choose at most one of bearerToken, basicAuth",
  },
  {
    rule: "!has(self.tls) || self.url.startsWith('https://')",
    message: "tls needs an https address in url",
    fieldPath: ".tls",
  },
).describe("A Prometheus, or anything with its HTTP API (Thanos, Mimir, VictoriaMetrics).");

export type PrometheusBlock = z.output<typeof prometheusSchema>;

/** The keys of Secrets that a block refers to. */
export function secretsOf({ bearerToken, basicAuth, tls, headers }: PrometheusBlock): readonly SecretUse[] {
  return [
    ...uses(bearerToken?.secretRef, "bearerToken"),
    ...uses(basicAuth?.usernameSecretRef, "username"),
    ...uses(basicAuth?.passwordSecretRef, "password"),
    ...uses(tls?.caSecretRef, "ca"),
    ...uses(tls?.certSecretRef, "cert"),
    ...uses(tls?.keySecretRef, "key"),
    ...(headers ?? []).flatMap((header) => uses(header.valueSecretRef, { header: header.name })),
  ];
}

function uses(ref: SecretKeyRef | undefined, use: SecretUse["use"]): readonly SecretUse[] {
  if (ref === undefined) return [];
  const { name, key, namespace } = ref;
  return [{ secret: { name, ...(namespace === undefined ? {} : { namespace }) }, key, use }];
}

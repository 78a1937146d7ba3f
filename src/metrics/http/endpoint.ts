import { z } from "zod";
import { duration, exactlyOneOf, listMap, secretKeyRef, withRules } from "../../api/schema.ts";
import type { CelRule, SecretKeyRef } from "../../api/schema.ts";
import type { SecretUse } from "../provider.ts";

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

/** An address without credentials in it; `example` is shown where one is refused. */
export function urlField(example: string) {
  return withRules(z.string().min(1).max(1024), {
    rule: "self.matches('^https?://[^/?#@ ]+(/[^?#@ ]*)?$')",
    message: `must be an http or https address without user, password, query and fragment, such as ${example}`,
  });
}

/** How every back-end that speaks HTTP is reached, beside its address. */
export const connectionFields = {
  timeout: duration({ min: "100ms", max: "2m" }).default("10s").describe("How long an answer may take."),
  tls: tls.optional().describe("How an https address is spoken to."),
  headers: listMap(z.array(header.describe("A header.")).min(1).max(16), "name")
    .optional()
    .describe("More headers, such as that of a tenant."),
};

/** The usual ways to log in. */
export const loginFields = {
  bearerToken: z
    .object({ secretRef: secretKeyRef().describe("Secret with the token.") })
    .optional()
    .describe("Sends a bearer token."),
  basicAuth: basicAuth.optional().describe("Sends a user name and a password."),
};

/** A token or key that a back-end always wants. */
export function secretField(what: string) {
  return z.object({ secretRef: secretKeyRef().describe(`Secret with ${what}.`) });
}

export const tlsNeedsHttps: CelRule = {
  rule: "!has(self.tls) || !has(self.url) || self.url.startsWith('https://')",
  message: "tls needs an https address in url",
  fieldPath: ".tls",
};

/** At most one of sibling optional blocks. */
export function atMostOneOf(names: readonly string[]): CelRule {
  const found = names.map((name) => `has(self.${name})`);
  return {
    rule: `[${found.join(", ")}].filter(x, x).size() <= 1`,
    message: `choose at most one of ${names.join(", ")}`,
  };
}

type Login = z.output<z.ZodObject<typeof loginFields>>;

/** How a back-end is reached, with defaults filled in. */
export type Endpoint = z.output<z.ZodObject<typeof connectionFields>> & Partial<Login> & { readonly url: string };

/** The keys of Secrets that an endpoint refers to. */
export function secretsOfEndpoint(endpoint: Partial<Endpoint>): readonly SecretUse[] {
  const { bearerToken, basicAuth: basic, tls: secured, headers } = endpoint;
  return [
    ...secretUse(bearerToken?.secretRef, "bearerToken"),
    ...secretUse(basic?.usernameSecretRef, "username"),
    ...secretUse(basic?.passwordSecretRef, "password"),
    ...secretUse(secured?.caSecretRef, "ca"),
    ...secretUse(secured?.certSecretRef, "cert"),
    ...secretUse(secured?.keySecretRef, "key"),
    ...(headers ?? []).flatMap((entry) => secretUse(entry.valueSecretRef, { header: entry.name })),
  ];
}

/** What a reference to a Secret is for; nothing when there is none. */
export function secretUse(ref: SecretKeyRef | undefined, use: SecretUse["use"]): readonly SecretUse[] {
  if (ref === undefined) return [];
  const { name, key, namespace } = ref;
  return [{ secret: { name, ...(namespace === undefined ? {} : { namespace }) }, key, use }];
}

import { generateKeyPairSync } from "node:crypto";
import type { Credentials } from "../../src/metrics/provider.ts";
import type { Respond } from "./stubServer.ts";

export interface BlockOptions {
  readonly timeout?: string;
  readonly tls?: object;
  readonly more?: object;
}

/** How a back-end of one kind is told and how it answers, for the suite that every kind passes. */
export interface Dialect {
  readonly provider: string;
  block(url: string, options?: BlockOptions): unknown;
  readonly value: (value: number) => Respond;
  /** A question that the back-end would understand. */
  readonly query: string;
  /** The question is good and nothing is known. */
  readonly empty: Respond;
  /** The question is good, and has more than one answer. */
  readonly several: Respond;
  /** The question is wrong, and the answer says where: at 1:5. */
  readonly refusesQuery: Respond;
  /** A block that uses every kind of credential, and what is read from the Secrets. */
  /** Credentials without which nobody is asked. */
  readonly needs?: Credentials;
  /** Whether any JSON can be an answer: then one in which nothing is found is silence. */
  readonly takesAnyJson?: true;
  readonly everyCredential: readonly { readonly more: object; readonly credentials: Credentials }[];
}

export function json(status: number, body: unknown): Respond {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

export const secretRef = (key: string) => ({ name: "provider", key });

export const awsKey = {
  accessKeyId: "AKID-5f1e",
  secretAccessKey: "wJalr/K7MDENG+bPx",
  sessionToken: "FwoGZXIvYXdzE//",
};

export const serviceAccount = JSON.stringify({
  type: "service_account",
  client_email: "reader@shop.iam.gserviceaccount.com",
  private_key: generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString(),
});

/** A block of a provider, beside its address and `fixed`. */
export function blockWith(fixed: object): Dialect["block"] {
  return (url, { timeout = "2s", tls, more = {} } = {}) => ({
    url,
    timeout,
    ...(tls === undefined ? {} : { tls }),
    ...fixed,
    ...more,
  });
}

export function vector(...values: readonly unknown[]): Respond {
  const result = values.map((value, index) => ({ metric: { pod: `p${index}` }, value: [1_700_000_000.5, value] }));
  return json(200, { status: "success", data: { resultType: "vector", result } });
}

export const prometheus: Dialect = {
  provider: "prometheus",
  block: blockWith({}),
  query: "up",
  value: (value) => vector(String(value)),
  empty: vector(),
  several: vector("1", "2", "3"),
  refusesQuery: json(400, {
    status: "error",
    errorType: "bad_data",
    error: 'invalid parameter "query": 1:5: parse error',
  }),
  everyCredential: [
    {
      more: {
        bearerToken: { secretRef: secretRef("token") },
        headers: [{ name: "X-Tenant", valueSecretRef: secretRef("tenant") }],
      },
      credentials: { bearerToken: "tok-5f1e9a/+=", headers: { "X-Tenant": "tenant-77aa" } },
    },
    {
      more: {
        basicAuth: { usernameSecretRef: secretRef("user"), passwordSecretRef: secretRef("password") },
      },
      credentials: { username: "reader-31", password: 'pa"ss wörd' },
    },
    {
      more: {
        sigV4: {
          region: "eu-central-1",
          accessKey: {
            idSecretRef: secretRef("id"),
            secretSecretRef: secretRef("secret"),
            sessionTokenSecretRef: secretRef("session"),
          },
        },
      },
      credentials: awsKey,
    },
    { more: { google: { serviceAccountSecretRef: secretRef("google") } }, credentials: { serviceAccount } },
  ],
};

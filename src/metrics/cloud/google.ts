import { z } from "zod";
import { secretKeyRef } from "../../api/schema.ts";
import { AuthorizationError } from "../http/authorizer.ts";
import type { Authorizer, Shown } from "../http/authorizer.ts";
import { secretUse } from "../http/endpoint.ts";
import type { ConnectOptions, Credentials, SecretUse } from "../provider.ts";
import { cloudAuthorizer, type Prove } from "./cloudAuthorizer.ts";

/** Who asks an API of Google Cloud. Source: google-auth-library; the scope is that of reading metrics. */
export const googleFields = {
  serviceAccountSecretRef: secretKeyRef()
    .optional()
    .describe(
      "Secret with the key file (JSON) of a service account. Left out, which only a ClusterMetricProvider may: what the controller's own pod has (Workload Identity, the node's service account, GOOGLE_APPLICATION_CREDENTIALS).",
    ),
};

const SCOPE = "https://www.googleapis.com/auth/monitoring.read";

export type GoogleIdentity = z.output<z.ZodObject<typeof googleFields>>;

export function googleSecrets({ serviceAccountSecretRef }: GoogleIdentity): readonly SecretUse[] {
  return secretUse(serviceAccountSecretRef, "serviceAccount");
}

export interface GoogleOptions extends ConnectOptions {
  readonly credentials: Credentials;
  /** Headers beside the token, from the block and its Secrets. */
  readonly base: Authorizer;
}

/** Only a key: other forms of credentials name addresses and commands to run, which a Secret's author must not choose. */
const keyFile = z.object({
  type: z.literal("service_account"),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
});

/** Shows a token of Google's. */
export function googleAuthorizer(options: GoogleOptions): Authorizer {
  return cloudAuthorizer({ cloud: "Google Cloud", base: options.base, load: (shown) => bearerOf(options, shown) });
}

async function bearerOf(options: GoogleOptions, shown: Shown): Promise<Prove> {
  const client = await clientFor(options, shown);
  return async ({ headers }) => {
    const authorization = (await client.getRequestHeaders()).get("authorization");
    if (authorization === null) throw new Error("there is no token");
    shown.add(authorization);
    return { ...headers, Authorization: authorization };
  };
}

interface TokenClient {
  getRequestHeaders(): Promise<Headers>;
}

async function clientFor(options: GoogleOptions, shown: Shown): Promise<TokenClient> {
  const { serviceAccount } = options.credentials;
  if (serviceAccount === undefined && !options.mayUseOwnIdentity) {
    throw new AuthorizationError(
      "a MetricProvider has to bring a serviceAccountSecretRef; only a ClusterMetricProvider may use the controller's own identity",
    );
  }
  const { GoogleAuth, JWT } = await import("google-auth-library");
  if (serviceAccount === undefined) return new GoogleAuth({ scopes: SCOPE }).getClient();
  const { client_email: email, private_key: key, private_key_id: keyId } = keyOf(serviceAccount);
  shown.add(key);
  const jwt = new JWT({ email, key, ...(keyId === undefined ? {} : { keyId }), scopes: SCOPE });
  // The API takes a token that is signed here, so that nobody else has to be asked for one.
  jwt.useJWTAccessWithScope = true;
  return jwt;
}

function keyOf(text: string): z.output<typeof keyFile> {
  try {
    return keyFile.parse(JSON.parse(text));
  } catch {
    throw new AuthorizationError("the Secret does not hold the key file (JSON) of a service account");
  }
}

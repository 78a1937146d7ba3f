import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import { secretKeyRef, withRules } from "../../api/schema.ts";
import { AuthorizationError } from "../http/authorizer.ts";
import type { Authorizer, Shown } from "../http/authorizer.ts";
import { secretUse } from "../http/endpoint.ts";
import type { ConnectOptions, Credentials, SecretUse } from "../provider.ts";
import { cloudAuthorizer, type Prove } from "./cloudAuthorizer.ts";

/**
 * Who asks an API of AWS, and the signature that shows it.
 * Source: AWS Signature Version 4 for API requests, by the signer and the credential providers of the AWS SDK.
 */
export const awsFields = {
  region: withRules(z.string().min(1).max(64), {
    rule: "self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]+$')",
    message: "must be a region of AWS, such as eu-central-1",
  }).describe("Region of AWS."),
  accessKey: z
    .object({
      idSecretRef: secretKeyRef().describe("Secret with the id of the access key."),
      secretSecretRef: secretKeyRef().describe("Secret with the secret of the access key."),
      sessionTokenSecretRef: secretKeyRef().optional().describe("Secret with the session token of a temporary key."),
    })
    .optional()
    .describe(
      "An access key. Left out, which only a ClusterMetricProvider may: what the controller's own pod has (IAM roles for service accounts, EKS Pod Identity, the node's role, environment).",
    ),
  roleArn: withRules(z.string().min(1).max(2048), {
    rule: "self.matches('^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[!-~]+$')",
    message: "must be the ARN of a role, such as arn:aws:iam::123456789012:role/metrics",
  })
    .optional()
    .describe("A role to take on first."),
};

export type AwsIdentity = z.output<z.ZodObject<typeof awsFields>>;

export function awsSecrets({ accessKey }: AwsIdentity): readonly SecretUse[] {
  return [
    ...secretUse(accessKey?.idSecretRef, "accessKeyId"),
    ...secretUse(accessKey?.secretSecretRef, "secretAccessKey"),
    ...secretUse(accessKey?.sessionTokenSecretRef, "sessionToken"),
  ];
}

export interface AwsOptions extends ConnectOptions {
  readonly identity: AwsIdentity;
  readonly credentials: Credentials;
  /** The name that AWS signs the service under: `aps`, `monitoring`. */
  readonly service: string;
  /** Headers beside the signature, from the block and its Secrets. */
  readonly base: Authorizer;
}

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Signs requests. */
export function awsAuthorizer(options: AwsOptions): Authorizer {
  return cloudAuthorizer({ cloud: "AWS", base: options.base, load: (shown) => signerFor(options, shown) });
}

async function signerFor(options: AwsOptions, shown: Shown): Promise<Prove> {
  const { SignatureV4 } = await import("@smithy/signature-v4");
  const provide = await keys(options);
  const credentials = async (): Promise<Key> => {
    const key = await provide();
    for (const text of [key.accessKeyId, key.secretAccessKey, key.sessionToken]) shown.add(text);
    return key;
  };
  const { identity, service } = options;
  const signer = new SignatureV4({ credentials, service, region: identity.region, sha256: Sha256 });
  return async ({ method, url, headers, body }) => {
    const query = Object.fromEntries(url.searchParams);
    const { hostname, protocol, pathname: path, host } = url;
    const request = { method, protocol, hostname, path, query, headers: { ...headers, host }, body };
    const { headers: signed } = await signer.sign(request);
    shown.add(/Signature=(\w+)/.exec(signed["authorization"] ?? "")?.[1]);
    return signed;
  };
}

async function keys({ identity, credentials, mayUseOwnIdentity }: AwsOptions): Promise<() => Promise<Key>> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const { roleArn, region } = identity;
  const given =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : {
          accessKeyId: accessKeyId.trim(),
          secretAccessKey: secretAccessKey.trim(),
          ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.trim() }),
        };
  if (given === undefined && !mayUseOwnIdentity) {
    throw new AuthorizationError(
      "a MetricProvider has to bring an accessKey; only a ClusterMetricProvider may use the controller's own identity",
    );
  }
  if (given !== undefined && roleArn === undefined) return () => Promise.resolve(given);
  const { fromNodeProviderChain, fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
  const own = given ?? fromNodeProviderChain({ clientConfig: { region } });
  if (roleArn === undefined) return renewed(own as () => Promise<Expiring>);
  const params = { RoleArn: roleArn, RoleSessionName: "aviary" };
  return renewed(fromTemporaryCredentials({ masterCredentials: own, params, clientConfig: { region } }));
}

interface Expiring extends Key {
  readonly expiration?: Date;
}

/** Before its end a key is asked for anew, so that none ends on the way. Source: our choice. */
const RENEW_BEFORE_MS = 300_000;
/** Keys without an end are asked for anew as well, since they may have been replaced. Source: our choice. */
const RENEW_AFTER_MS = 600_000;

function renewed(provide: () => Promise<Expiring>): () => Promise<Key> {
  let held: { readonly key: Expiring; readonly untilMs: number } | undefined;
  return async () => {
    if (held !== undefined && Date.now() < held.untilMs) return held.key;
    const key = await provide();
    const endsMs = key.expiration?.getTime();
    held = { key, untilMs: endsMs === undefined ? Date.now() + RENEW_AFTER_MS : endsMs - RENEW_BEFORE_MS };
    return key;
  };
}

/** SHA-256 of Node in the form that the signer takes. */
class Sha256 {
  private readonly hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytes(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): void {
    throw new Error("a digest is taken once");
  }
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}

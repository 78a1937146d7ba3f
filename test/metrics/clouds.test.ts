import { createVerify, generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { prometheus } from "../../src/metrics/prometheus.ts";
import type { Credentials, Reading } from "../../src/metrics/provider.ts";
import { json, vector } from "./dialects.ts";
import { expectedSignature, signatureOf } from "./sigV4.ts";
import { startStub } from "./stubServer.ts";
import type { Respond, StubRequest, StubServer } from "./stubServer.ts";

/** How the managed services of the clouds are asked: who signs, with what, and who may not. */

const open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  // Nothing of the machine that the tests run on.
  for (const name of ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_APPLICATION_CREDENTIALS"]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("HOME", "/nonexistent");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const thing of open.splice(0).reverse()) await thing.close();
});

interface Asking {
  readonly more: object;
  readonly credentials?: Credentials;
  readonly mayUseOwnIdentity?: boolean;
  readonly respond?: Respond;
}

async function ask({ more, credentials = {}, mayUseOwnIdentity = false, respond = vector("1") }: Asking): Promise<{
  readonly reading: Reading;
  readonly requests: readonly StubRequest[];
}> {
  const stub = await startStub(respond);
  const block = prometheus.schema.parse({ url: `${stub.url}/workspaces/ws-1`, timeout: "30s", ...more });
  const source = prometheus.connect(block, credentials, { mayUseOwnIdentity });
  open.push(stub, source);
  const reading = await source.read('sum(rate(x{a="b c+d"}[1m]))', { signal: new AbortController().signal });
  return { reading, requests: stub.requests };
}

async function serve(respond: Respond): Promise<StubServer> {
  const stub = await startStub(respond);
  open.push(stub);
  return stub;
}

const region = "eu-central-1";
const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

describe("a request that is signed for AWS", () => {
  it("has the signature that the server works out, over its body", async () => {
    const { reading, requests } = await ask({ more: { sigV4: { region } }, credentials: key });
    expect(reading).toEqual({ kind: "value", value: 1 });
    const [request] = requests as [StubRequest];
    expect(request).toMatchObject({ method: "POST", path: "/workspaces/ws-1/api/v1/query" });
    expect(request.params.get("query")).toBe('sum(rate(x{a="b c+d"}[1m]))');
    expect(signatureOf(request)).toBe(expectedSignature(request, { ...key, region, service: "aps" }));
  });

  it("carries the session token of a temporary key, and the headers of the block", async () => {
    const more = { sigV4: { region }, headers: [{ name: "X-Team", value: "shop" }] };
    const { requests } = await ask({ more, credentials: { ...key, sessionToken: "session\n" } });
    expect(requests[0]?.headers).toMatchObject({ "x-amz-security-token": "session", "x-team": "shop" });
  });

  it("is signed as the pod's role, by what the container's agent gives", async () => {
    const agent = await serve(
      json(200, {
        AccessKeyId: "AKIDPOD",
        SecretAccessKey: "pods-secret",
        Token: "pods-token",
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      }),
    );
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${agent.url}/v1/credentials`);
    const { reading, requests } = await ask({ more: { sigV4: { region } }, mayUseOwnIdentity: true });
    expect(reading).toEqual({ kind: "value", value: 1 });
    const [request] = requests as [StubRequest];
    expect(request.headers["x-amz-security-token"]).toBe("pods-token");
    expect(signatureOf(request)).toBe(
      expectedSignature(request, { secretAccessKey: "pods-secret", region, service: "aps" }),
    );
  });

  it("is signed in a role that the key may take on", async () => {
    const sts = await serve((_request, response) => {
      const expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.writeHead(200, { "content-type": "text/xml" }).end(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>roles-secret</SecretAccessKey>
        <SessionToken>roles-token</SessionToken><Expiration>${expiration}</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
      );
    });
    vi.stubEnv("AWS_ENDPOINT_URL_STS", sts.url);
    const roleArn = "arn:aws:iam::123456789012:role/metrics";
    const { reading, requests } = await ask({ more: { sigV4: { region, roleArn } }, credentials: key });
    expect(reading).toEqual({ kind: "value", value: 1 });
    expect(sts.requests[0]?.params.get("RoleArn")).toBe(roleArn);
    expect(requests[0]?.headers["x-amz-security-token"]).toBe("roles-token");
  });

  it("is not sent when there is nothing to sign it with, and the sentence says so", async () => {
    const { reading, requests } = await ask({ more: { sigV4: { region } }, mayUseOwnIdentity: true });
    expect(reading).toMatchObject({
      kind: "unreachable",
      message: expect.stringMatching(/was not asked: no credentials of AWS: /) as string,
    });
    expect(requests).toEqual([]);
  });
});

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keyFile = {
  type: "service_account",
  client_email: "reader@shop.iam.gserviceaccount.com",
  private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  private_key_id: "key-1",
};

describe("a request to Google Cloud", () => {
  it("carries a token that the service account's key has signed, for reading metrics", async () => {
    const { reading, requests } = await ask({
      more: { google: {} },
      credentials: { serviceAccount: JSON.stringify(keyFile) },
    });
    expect(reading).toEqual({ kind: "value", value: 1 });
    const [header, claims, signature] = (requests[0]?.headers.authorization ?? "").replace("Bearer ", "").split(".");
    const verified = createVerify("RSA-SHA256").update(`${header ?? ""}.${claims ?? ""}`);
    expect(verified.verify(publicKey, signature ?? "", "base64url")).toBe(true);
    expect(JSON.parse(Buffer.from(claims ?? "", "base64url").toString())).toMatchObject({
      iss: keyFile.client_email,
      scope: "https://www.googleapis.com/auth/monitoring.read",
    });
  });

  it("carries the token of the pod's own service account", { timeout: 40_000 }, async () => {
    const token = { access_token: "ya29.pod", expires_in: 3_599, token_type: "Bearer" };
    const metadata = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "metadata-flavor": "Google" });
      response.end(JSON.stringify(token));
    });
    vi.stubEnv("GCE_METADATA_HOST", metadata.url.replace("http://", ""));
    vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
    const { reading, requests } = await ask({ more: { google: {} }, mayUseOwnIdentity: true });
    expect(reading).toEqual({ kind: "value", value: 1 });
    expect(requests[0]?.headers.authorization).toBe("Bearer ya29.pod");
  });

  it.each([
    { what: "no JSON", serviceAccount: "-----BEGIN" },
    {
      what: "credentials that run a command",
      serviceAccount: JSON.stringify({
        type: "external_account",
        credential_source: { executable: { command: "id" } },
      }),
    },
    { what: "a key that is none", serviceAccount: JSON.stringify({ ...keyFile, private_key: "not-a-key-7c1f" }) },
  ])("is not sent with $what, and the sentence tells nothing of it", async ({ serviceAccount }) => {
    const { reading, requests } = await ask({ more: { google: {} }, credentials: { serviceAccount } });
    expect(reading).toMatchObject({ kind: "unreachable" });
    expect(JSON.stringify(reading)).not.toContain("not-a-key-7c1f");
    expect(requests).toEqual([]);
  });
});

describe("a MetricProvider without credentials", () => {
  it.each([
    { more: { sigV4: { region } }, says: "has to bring an accessKey" },
    {
      more: { sigV4: { region, roleArn: "arn:aws:iam::123456789012:role/metrics" } },
      says: "has to bring an accessKey",
    },
    { more: { google: {} }, says: "has to bring a serviceAccountSecretRef" },
  ])("never asks in the name of the controller: $more", async ({ more, says }) => {
    const { reading, requests } = await ask({ more });
    expect(reading).toMatchObject({ kind: "unreachable", message: expect.stringContaining(says) as string });
    expect(requests).toEqual([]);
  });
});

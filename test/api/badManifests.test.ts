import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { parse } from "yaml";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { startApiServer } from "../../src/sandbox/apiserver/http.ts";
import type { RunningApiServer } from "../../src/sandbox/apiserver/http.ts";
import type { Answer, Question } from "./admissionSuite.ts";
import { describeAdmission } from "./admissionSuite.ts";

const definitions = join(import.meta.dirname, "../../crds");
const COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
let server: RunningApiServer | undefined;

beforeAll(async () => {
  server = await startApiServer({ core: createApiServer(), port: 0 });
  for (const file of readdirSync(definitions).filter((name) => name.endsWith(".yaml"))) {
    const body: unknown = parse(readFileSync(join(definitions, file), "utf8"));
    const answer = await ask({ method: "POST", path: COLLECTION, contentType: "application/json", body });
    if (answer.code !== 201) throw new Error(`${file}: ${answer.message}`);
  }
});

afterAll(async () => {
  await server?.stop();
});

async function ask({ method, path, contentType, body }: Question): Promise<Answer> {
  if (server === undefined) throw new Error("the API server does not run");
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { "content-type": contentType },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const received: unknown = await answer.json();
  const { message = "" } = received as { readonly message?: string };
  return { code: answer.status, message, body: received };
}

describeAdmission("the embedded API server", ask);

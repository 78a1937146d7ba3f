import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, beforeAll } from "vitest";
import type { Answer, Question } from "../api/admissionSuite.ts";
import { describeAdmission } from "../api/admissionSuite.ts";
import { startControlPlane } from "./harness/controlPlane.ts";
import type { ControlPlane } from "./harness/controlPlane.ts";

let controlPlane: ControlPlane | undefined;
let agent: Agent | undefined;

beforeAll(async () => {
  controlPlane = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false });
  agent = new Agent({ connect: { ca: readFileSync(controlPlane.caFile) } });
  // Client side, as most people do it: it fails for schemas that do not fit into an annotation.
  const applied = await controlPlane.kubectl(["apply", "-f", join(import.meta.dirname, "../../crds")]);
  if (applied.code !== 0) throw new Error(applied.stderr);
  const established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
  const waited = await controlPlane.kubectl(established);
  if (waited.code !== 0) throw new Error(waited.stderr);
});

afterAll(async () => {
  await agent?.close();
  await controlPlane?.stop();
});

async function ask({ method, path, contentType, body }: Question): Promise<Answer> {
  if (controlPlane === undefined || agent === undefined) throw new Error("the control plane does not run");
  const answer = await request(`${controlPlane.url}${path}`, {
    method,
    dispatcher: agent,
    headers: { authorization: `Bearer ${controlPlane.adminToken}`, "content-type": contentType },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const received: unknown = await answer.body.json();
  const { message = "" } = received as { readonly message?: string };
  return { code: answer.statusCode, message, body: received };
}

describeAdmission("kube-apiserver", ask);

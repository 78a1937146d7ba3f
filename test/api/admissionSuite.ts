import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { canaryParser } from "../../src/api/canary.ts";
import { API_VERSION } from "../../src/api/object.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { trafficPlugIns } from "../../src/routers/index.ts";
import { targetKinds } from "../../src/workloads/index.ts";
import { badManifests } from "./badManifests.ts";
import type { BadManifest, Manifest } from "./manifests.ts";
import { action, analysisTemplate, canary, canaryWith, clusterMetricProvider, metricProvider } from "./manifests.ts";

export interface Answer {
  /** HTTP status code. */
  readonly code: number;
  /** Message of the Status object; empty when the request was obeyed. */
  readonly message: string;
  /** The answer as it is. */
  readonly body: unknown;
}

export interface Question {
  readonly method: "POST" | "PATCH" | "DELETE";
  /** With the query. */
  readonly path: string;
  readonly contentType: string;
  readonly body?: unknown;
}

/** Sends a request to an API server that has the CRDs. */
export type Ask = (question: Question) => Promise<Answer>;

const goodManifests: readonly { readonly name: string; readonly manifest: Manifest }[] = [
  { name: "the smallest Canary", manifest: canary() },
  {
    name: "a Canary with the longest name of a target",
    manifest: canary({ targetRef: { kind: "Deployment", name: "a".repeat(55) } }),
  },
  { name: "an unjudged Canary", manifest: canary({ analysis: { unjudged: true } }) },
  { name: "an action", manifest: action({ step: 2 }) },
  { name: "a provider", manifest: metricProvider() },
  { name: "a provider for all", manifest: clusterMetricProvider() },
  { name: "a template", manifest: analysisTemplate() },
];

const canaries = [
  ...goodManifests.filter(({ manifest }) => manifest.kind === "Canary"),
  {
    name: "a Canary with a step that says little",
    manifest: canaryWith.steps({ weight: 5 }, { pause: {} }, { weight: 20, hold: "1m" }),
  },
  {
    name: "a Canary with named ports",
    manifest: canary({ service: { ports: [{ name: "http", port: 80, targetPort: "web" }] } }),
  },
  {
    name: "a Canary with a provider of its own",
    manifest: canaryWith.threshold({ providerRef: { name: "prom" }, failureLimit: 0 }),
  },
  {
    name: "a Canary with a template",
    manifest: canary({ analysis: { templates: [{ name: "errors", args: [{ name: "maxErrors", value: "0.5" }] }] } }),
  },
  {
    name: "a Canary with a route of Aviary's",
    manifest: canaryWith.traffic({
      gatewayAPI: { route: { parentRefs: [{ name: "gateway", sectionName: "https" }] } },
    }),
  },
  {
    name: "a blue/green",
    manifest: canary({ strategy: { blueGreen: {} } }),
  },
  {
    name: "a blue/green with a preview and a pause",
    manifest: canary({
      strategy: { blueGreen: { preview: { hold: "1m", checks: ["errors"] }, pause: {}, hold: "5m" } },
    }),
  },
  {
    name: "a Canary without a router",
    manifest: canary({ traffic: undefined }),
  },
  {
    name: "a Canary without a router, with times",
    manifest: canaryWith.traffic({ settle: "5s", service: {} }),
  },
  {
    name: "a Canary behind an ingress",
    manifest: canaryWith.traffic({ drain: "0s", nginx: { ingressRefs: [{ name: "podinfo" }] } }),
  },
];

const parseCanary = canaryParser({ ...trafficPlugIns, targetKinds });

/** What every API server with the CRDs does: both the embedded one and kube-apiserver. */
export function describeAdmission(server: string, ask: Ask): void {
  describe(`${server}: bad manifests`, () => {
    it.each(badManifests)("refuses $name", async ({ manifest, before, says }: BadManifest) => {
      const answer = before === undefined ? await ask(create(manifest)) : await change(ask, before, manifest);
      expect([400, 422]).toContain(answer.code);
      for (const part of says) expect(answer.message).toContain(part);
    });
  });
  describe(`${server}: defaults`, () => {
    it.each(canaries)("are for $name what the parser fills in by itself", async ({ manifest }) => {
      const stored = parseCanary((await ask(create(manifest))).body);
      const unstored = parseCanary(manifest);
      expect(stored.ok && stored.canary.spec).toEqual(unstored.ok && unstored.canary.spec);
      expect(unstored.ok).toBe(true);
    });
  });
  describe(`${server}: good manifests`, () => {
    it.each(goodManifests)("accepts $name", async ({ manifest }) => {
      expect(await ask(create(manifest))).toMatchObject(CREATED);
    });
    it.each(examples())("accepts $file", async ({ manifest }) => {
      expect(await ask(create(manifest))).toMatchObject(CREATED);
    });
  });
}

const CREATED = { code: 201, message: "" };
const VALIDATED = "fieldValidation=Strict";

function create(manifest: Manifest): Question {
  const path = `${collection(manifest)}?${VALIDATED}&dryRun=All`;
  return { method: "POST", path, contentType: "application/json", body: manifest };
}

async function change(ask: Ask, before: Manifest, manifest: Manifest): Promise<Answer> {
  const path = collection(before);
  const object = `${path}/${before.metadata.name}`;
  const contentType = "application/json";
  expect(await ask({ method: "POST", path, contentType, body: before })).toMatchObject(CREATED);
  try {
    const patched = {
      method: "PATCH",
      path: `${object}?${VALIDATED}`,
      contentType: "application/merge-patch+json",
    } as const;
    return await ask({ ...patched, body: manifest });
  } finally {
    await ask({ method: "DELETE", path: object, contentType });
  }
}

function collection({ kind }: Manifest): string {
  const found = Object.values(kinds).find((candidate) => candidate.kind === kind && candidate.group === "aviary.dev");
  if (found === undefined) throw new Error(`no such kind: ${kind}`);
  return `/apis/${API_VERSION}/${found.namespaced ? "namespaces/default/" : ""}${found.plural}`;
}

/** Every object of Aviary's in `examples/`, for the namespace `default`. */
function examples(): readonly { readonly file: string; readonly manifest: Manifest }[] {
  const root = join(import.meta.dirname, "../../examples");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(root, file), "utf8"))
      .map((document) => document.toJS() as Manifest | null)
      .filter((manifest): manifest is Manifest => manifest?.apiVersion === API_VERSION)
      .map((manifest) => ({
        file: `examples/${file} (${manifest.kind})`,
        manifest: { ...manifest, metadata: { ...manifest.metadata, namespace: undefined } },
      })),
  );
}

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { metricProviderParser } from "../../src/api/metricProvider.ts";
import type { MetricProviderKindName } from "../../src/api/metricProvider.ts";
import { metricProviderFor, metricProviders } from "../../src/metrics/index.ts";

const FOLDER = "examples/providers";
const blocks = Object.fromEntries(metricProviders.map(({ name, schema }) => [name, schema]));

const documents = readdirSync(FOLDER).flatMap((file) =>
  parseAllDocuments(readFileSync(`${FOLDER}/${file}`, "utf8")).map((document) => {
    const object = document.toJS() as { readonly kind: MetricProviderKindName };
    return { file, kind: object.kind, parsed: metricProviderParser(object.kind, { blocks })(object) };
  }),
);

describe("examples/providers", () => {
  it("has every kind of provider", () => {
    const shown = documents.map(({ parsed }) => (parsed.ok ? parsed.provider.spec.provider : "?"));
    expect([...new Set(shown)].sort()).toEqual(metricProviders.map(({ name }) => name).sort());
  });

  it.each(documents)("$file ($kind) can be connected to, with what its Secrets hold", async ({ parsed, kind }) => {
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const { provider, block } = parsed.provider.spec;
    const found = metricProviderFor(provider);
    const credentials: Record<string, unknown> = {};
    const headers: Record<string, string> = {};
    for (const { use, secret } of found?.secrets(block) ?? []) {
      expect(secret.namespace === undefined).toBe(kind === "MetricProvider");
      if (typeof use === "string") credentials[use] = "a secret";
      else headers[use.header] = "a secret";
    }
    const options = { mayUseOwnIdentity: kind === "ClusterMetricProvider" };
    await found?.connect(block, { ...credentials, headers }, options).close();
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { generatedFiles } from "../../scripts/generate.ts";
import type { CustomResourceDefinition } from "../../src/api/crd.ts";

const root = join(import.meta.dirname, "../..");
const files = [...generatedFiles()];

/** Bytes that all annotations of an object may have together; client-side apply stores the whole manifest in one. */
const ANNOTATION_LIMIT = 256 * 1024;

describe("what is generated", () => {
  it.each(files)("is what the schemas say: %s", (path, text) => {
    expect(readFileSync(join(root, path), "utf8")).toBe(text);
  });

  it.each(files.filter(([path]) => path.startsWith("crds/")))("fits into an annotation: %s", (_, text) => {
    const size = Buffer.byteLength(JSON.stringify(parse(text)));
    expect(size).toBeLessThan(ANNOTATION_LIMIT / 2);
  });

  it("names every kind of the group once", () => {
    const definitions = files
      .filter(([path]) => path.startsWith("crds/"))
      .map(([, text]) => parse(text) as CustomResourceDefinition);
    expect(definitions.map(({ spec }) => [spec.names.kind, spec.scope])).toEqual([
      ["Canary", "Namespaced"],
      ["CanaryAction", "Namespaced"],
      ["MetricProvider", "Namespaced"],
      ["ClusterMetricProvider", "Cluster"],
      ["AnalysisTemplate", "Namespaced"],
      ["ClusterAnalysisTemplate", "Cluster"],
    ]);
  });
});

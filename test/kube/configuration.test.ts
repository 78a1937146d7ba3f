import { describe, expect, it } from "vitest";
import { copyOf, recordOf, referencesOf, withCopies, withoutCopies } from "../../src/kube/configuration.ts";
import type { ConfigMap, PodTemplateSpec } from "../../src/kube/objects.ts";
import { configuredPod } from "../lives/configured.ts";

const template = { metadata: { labels: { app: "web" } }, spec: configuredPod() } as unknown as PodTemplateSpec;

function pod(spec: object): PodTemplateSpec {
  return { spec: { containers: [{ name: "web", ...spec }] } };
}

describe("references to configuration", () => {
  it("are found wherever they stand, each once, and what one container needs is not optional", () => {
    expect(referencesOf(template).map(({ kind, name, optional }) => [kind, name, optional])).toEqual([
      ["ConfigMap", "web-config", false],
      ["ConfigMap", "web-extra", true],
      ["Secret", "web-token", false],
    ]);
  });

  it.each<readonly [what: string, template: PodTemplateSpec]>([
    ["nothing at all", pod({})],
    [
      "variables with values and fields",
      pod({
        env: [
          { name: "A", value: "1" },
          { name: "B", valueFrom: { fieldRef: {} } },
        ],
      }),
    ],
    ["a password for the registry", { spec: { containers: [], imagePullSecrets: [{ name: "a" }] } }],
    [
      "other volumes",
      {
        spec: {
          containers: [],
          volumes: [
            { name: "a", emptyDir: {} },
            { name: "b", projected: { sources: [{ downwardAPI: {} }] } },
          ],
        },
      },
    ],
    [
      "what a volume driver reads",
      { spec: { containers: [], volumes: [{ name: "a", csi: { nodePublishSecretRef: { name: "x" } } }] } },
    ],
  ])("are not: %s", (_what, without) => {
    expect(referencesOf(without)).toEqual([]);
    expect(withCopies(without, { "ConfigMap/a": "b" })).toEqual(without);
  });

  it("go to the copies and back, byte for byte, and nothing else in the template changes", () => {
    const copies = { "ConfigMap/web-config": "c1", "ConfigMap/web-extra": "c2", "Secret/web-token": "c3" };
    const copied = withCopies(template, copies);
    expect(referencesOf(copied).map(({ name }) => name)).toEqual(["c1", "c2", "c3"]);
    expect(JSON.stringify(withoutCopies(copied, copies))).toBe(JSON.stringify(template));
    expect(
      JSON.stringify(copied)
        .replaceAll('"c1"', '"web-config"')
        .replaceAll('"c2"', '"web-extra"')
        .replaceAll('"c3"', '"web-token"'),
    ).toBe(JSON.stringify(template));
  });

  it("tell a ConfigMap from a Secret of the same name", () => {
    const both = pod({ envFrom: [{ configMapRef: { name: "a" } }, { secretRef: { name: "a" } }] });
    expect(withCopies(both, { "Secret/a": "b" })).toEqual(
      pod({ envFrom: [{ configMapRef: { name: "a" } }, { secretRef: { name: "b" } }] }),
    );
  });
});

describe("the name of a copy", () => {
  const object = (more: Partial<ConfigMap>, name = "web"): ConfigMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    ...more,
  });
  const name = copyOf(object({ data: { a: "1", b: "2" } }), "shop");

  /** Must never change: a new one would release every target that has configuration with an upgrade of Aviary. */
  it("has the pinned value", () => {
    expect(name).toBe("web-primary-bda906a927");
  });

  it.each<readonly [what: string, object: ConfigMap]>([
    ["the order of keys", object({ data: { b: "2", a: "1" } })],
    ["labels", { ...object({ data: { a: "1", b: "2" } }), metadata: { name: "web", labels: { a: "b" } } }],
    ["nothing beside", object({ data: { a: "1", b: "2" }, binaryData: {} })],
  ])("does not depend on %s", (_what, same) => {
    expect(copyOf(same, "shop")).toBe(name);
  });

  it.each<readonly [what: string, object: ConfigMap, target: string]>([
    ["values", object({ data: { a: "1", b: "3" } }), "shop"],
    ["keys", object({ data: { a: "1", c: "2" } }), "shop"],
    ["binary values", object({ data: { a: "1", b: "2" }, binaryData: { x: "AA==" } }), "shop"],
    ["text that becomes binary", object({ binaryData: { a: "1", b: "2" } }), "shop"],
    ["the target, since several may share an object", object({ data: { a: "1", b: "2" } }), "other"],
  ])("depends on %s", (_what, other, target) => {
    expect(copyOf(other, target)).not.toBe(name);
  });

  it("is one that Kubernetes takes, however long the object's is", () => {
    const long = copyOf(object({}, `${"a".repeat(233)}.${"b".repeat(19)}`), "shop");
    expect(long.length).toBeLessThanOrEqual(253);
    expect(long).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  });
});

describe("the record of copies", () => {
  const primary = (text: string) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web-primary", annotations: { "aviary.dev/configuration": text } },
  });

  it.each([
    ['{"ConfigMap/a":"b"}', { "ConfigMap/a": "b" }],
    ['{"ConfigMap/a":1}', {}],
    ["null", {}],
    ["rubbish", {}],
  ])("is read from %s, and rubbish is no record", (text, record) => {
    expect(recordOf(primary(text))).toEqual(record);
  });
});

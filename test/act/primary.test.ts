import { describe, expect, it } from "vitest";
import { primaryFrom, targetTemplateFrom } from "../../src/act/primary.ts";
import type { Deployment } from "../../src/kube/objects.ts";
import { deployment } from "../../src/workloads/deployment.ts";

const label = { key: "app", value: "web-primary" };

const target = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "u",
    labels: {
      app: "web",
      team: "a",
      "app.kubernetes.io/instance": "web",
      "argocd.argoproj.io/instance": "web",
      "kustomize.toolkit.fluxcd.io/name": "apps",
      "helm.sh/chart": "web-1",
    },
    annotations: { "aviary.dev/release": "abc", "argocd.argoproj.io/tracking-id": "x" },
    ownerReferences: [{ apiVersion: "v1", kind: "App", name: "x", uid: "y" }],
  },
  spec: {
    replicas: 7,
    paused: true,
    minReadySeconds: 5,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2, maxSurge: 0 } },
    selector: { matchLabels: { app: "web", tier: "front" } },
    template: {
      metadata: { labels: { app: "web", tier: "front" }, annotations: { note: "kept" } },
      spec: {
        containers: [{ name: "web", image: "web:1" }],
        volumes: [
          { name: "v", ephemeral: { volumeClaimTemplate: { spec: { selector: { matchLabels: { app: "web" } } } } } },
        ],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] }],
            },
          },
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: "zone", labelSelector: { matchLabels: { app: "web" } } },
              { topologyKey: "zone", labelSelector: { matchLabels: { app: "db" } } },
            ],
          },
        },
        topologySpreadConstraints: [
          { maxSkew: 1, labelSelector: { matchLabels: { app: "web" } } },
          { maxSkew: 2, labelSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["web", "db"] }] } },
        ],
      },
    },
  },
} as unknown as Deployment;

const primary: Deployment = primaryFrom({
  workload: deployment,
  target,
  name: "web-primary",
  label,
  replicas: 3,
  revision: "r1",
  copies: {},
});

describe("the primary", () => {
  it("is the target with one selector label changed, wherever it is named", () => {
    expect(primary.spec.selector.matchLabels).toEqual({ app: "web-primary", tier: "front" });
    expect(primary.spec.template.metadata?.labels).toEqual({ app: "web-primary", tier: "front" });
    expect(primary.spec.template.metadata?.annotations).toEqual({ note: "kept" });
    const { volumes, affinity, ...rest } = primary.spec.template.spec;
    const text = JSON.stringify({ affinity, ...rest });
    expect(text.match(/"app":"web-primary"/g)).toHaveLength(2);
    expect(text.match(/"app":"db"/g)).toHaveLength(1);
    expect(text).not.toContain('"app":"web"');
    expect(text).toContain('"values":["web-primary","db"]');
    // Labels of volumes and of nodes are not those of pods.
    expect(volumes).toEqual(target.spec.template.spec.volumes);
    expect(text.match(/"values":\["web"\]/g)).toHaveLength(1);
  });

  it("has a size of its own, is not frozen, and never goes below its size", () => {
    expect(primary.spec).toMatchObject({
      replicas: 3,
      minReadySeconds: 5,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
    });
    expect(primary.spec.paused).toBeUndefined();
  });

  it("belongs to nobody, and is tracked by nobody", () => {
    expect(primary.metadata.ownerReferences).toBeUndefined();
    expect(primary.metadata.uid).toBeUndefined();
    expect(primary.metadata.labels).toEqual({
      app: "web-primary",
      team: "a",
      "app.kubernetes.io/managed-by": "aviary",
    });
    expect(primary.metadata.annotations).toEqual({ "aviary.dev/revision": "r1", "aviary.dev/primary-release": "abc" });
  });

  it("gives back the template that the target had", () => {
    expect(targetTemplateFrom(primary, target, label.key)).toEqual(target.spec.template);
  });
});

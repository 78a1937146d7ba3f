import { describe, expect, it } from "vitest";
import type { PodTemplateSpec } from "../../src/kube/objects.ts";
import { revisionOf } from "../../src/observe/revision.ts";

const web = template({});

function template(pod: object, container: object = {}, metadata: object = {}): PodTemplateSpec {
  return {
    metadata: { labels: { app: "web" }, ...metadata },
    spec: { containers: [{ name: "web", image: "web:1", ports: [{ containerPort: 80 }], ...container }], ...pod },
  };
}

describe("a revision", () => {
  /** These values must never change: a new one would release every target again with an upgrade of Aviary. */
  it.each([
    ["plain", web, "3621ce09f4"],
    ["other image", template({}, { image: "web:2" }), "f8a62759f1"],
    ["environment", template({}, { env: [{ name: "A", value: "1" }] }), "1c82463dfb"],
    [
      "probes",
      template({}, { readinessProbe: { httpGet: { path: "/ready", port: 80 }, periodSeconds: 5 } }),
      "d6aa9c8d6d",
    ],
  ])("has the pinned value: %s", (_name, pod, pinned) => {
    expect(revisionOf(pod)).toBe(pinned);
  });

  it("has the pinned value with configuration, in whatever order, and that of the template without", () => {
    const copies = { "ConfigMap/web": "web-primary-0123456789", "Secret/web": "web-primary-abcdefabcd" };
    const turned = { "Secret/web": "web-primary-abcdefabcd", "ConfigMap/web": "web-primary-0123456789" };
    expect(revisionOf(web, { "ConfigMap/web": "web-primary-0123456789" })).toBe("ac2b49b4b8");
    expect(revisionOf(web, turned)).toBe(revisionOf(web, copies));
    expect(revisionOf(web, {})).toBe("3621ce09f4");
  });

  it.each([
    [
      "key order",
      {
        spec: { containers: [{ ports: [{ containerPort: 80 }], image: "web:1", name: "web" }] },
        metadata: { labels: { app: "web" } },
      },
    ],
    [
      "defaults of the pod",
      template({
        restartPolicy: "Always",
        dnsPolicy: "ClusterFirst",
        terminationGracePeriodSeconds: 30,
        securityContext: {},
        schedulerName: "default-scheduler",
      }),
    ],
    [
      "defaults of the container",
      template(
        {},
        {
          imagePullPolicy: "IfNotPresent",
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          resources: {},
          ports: [{ containerPort: 80, protocol: "TCP" }],
        },
      ),
    ],
    ["empty and null fields", template({ volumes: [], nodeSelector: null }, { env: [] }, { creationTimestamp: null })],
    ["a restart", template({}, {}, { annotations: { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" } })],
    ["the rest of a DaemonSet", template({ nodeSelector: { "aviary.dev/idle": "true" } })],
  ])("is not changed by %s", (_name, same) => {
    expect(revisionOf(same)).toBe(revisionOf(web));
  });

  it.each([
    ["an image", template({}, { image: "web:3" })],
    ["a value", template({}, { env: [{ name: "A", value: "" }] })],
    ["a pull policy that is no default", template({}, { imagePullPolicy: "Always" })],
    ["a grace period that is no default", template({ terminationGracePeriodSeconds: 31 })],
    ["an annotation", template({}, {}, { annotations: { a: "b" } })],
    ["a label that is named like a default", template({}, {}, { labels: { app: "web", protocol: "TCP" } })],
    ["the order of containers' arguments", template({}, { args: ["b", "a"] })],
  ])("is changed by %s", (_name, other) => {
    expect(revisionOf(other)).not.toBe(revisionOf(web));
  });

  it("is ten hex digits", () => {
    expect(revisionOf(web)).toMatch(/^[0-9a-f]{10}$/);
  });
});

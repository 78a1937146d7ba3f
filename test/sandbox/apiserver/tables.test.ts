import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import { jsonPath } from "../../../src/sandbox/apiserver/jsonPath.ts";
import { tableOf } from "../../../src/sandbox/apiserver/tables.ts";
import { shortDuration } from "../../../src/sandbox/apiserver/tableText.ts";
import { bird, deployment, testApi } from "./birds.ts";

function rowOf(group: string, plural: string, object: JsonObject): Record<string, Json> {
  const { server, clock } = testApi();
  const version = group === "autoscaling" ? "v2" : "v1";
  const resource = server.resource(group, version, plural);
  const table = tableOf({ resource, items: [object], metadata: {}, now: clock.ms + 90_000, include: "Metadata" });
  const columns = table["columnDefinitions"] as JsonObject[];
  const [row] = table["rows"] as JsonObject[];
  const cells = (row?.["cells"] ?? []) as Json[];
  return Object.fromEntries(columns.map((column, index) => [String(column["name"] as string), cells[index] ?? null]));
}

const created = { name: "app", creationTimestamp: "2026-01-01T00:00:00Z" };

describe("a table", () => {
  it("has the printer columns of a custom resource, wide ones marked", () => {
    const status = {
      conditions: [
        { type: "Other", status: "False" },
        { type: "Ready", status: "True" },
      ],
    };
    const object = { ...bird({ color: "red", note: "hi" }, created), status };
    expect(rowOf("example.dev", "birds", object)).toEqual({
      Name: "app",
      Color: "red",
      Ready: "True",
      Note: "hi",
      Age: "90s",
    });
    const { server, birds, clock } = testApi();
    const table = tableOf({
      resource: birds,
      items: [],
      metadata: server.list(birds) as never,
      now: clock.ms,
      include: "None",
    });
    const priorities = (table["columnDefinitions"] as JsonObject[]).map((column) => column["priority"]);
    expect(priorities).toEqual([0, 0, 0, 1, 0]);
  });

  it.each<[string, string, JsonObject, Record<string, Json>]>([
    [
      "apps",
      "deployments",
      {
        ...deployment({ replicas: 3 }, created),
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
      {
        Ready: "2/3",
        "Up-to-date": 3,
        Available: 1,
        Age: "90s",
        Containers: "web",
        Images: "web:1",
        Selector: "app=app",
      },
    ],
    [
      "apps",
      "replicasets",
      { ...deployment({ replicas: 3 }, created), status: { replicas: 3, readyReplicas: 2 } },
      { Desired: 3, Current: 3, Ready: 2 },
    ],
    [
      "",
      "pods",
      {
        metadata: created,
        spec: { nodeName: "n", containers: [{}, {}] },
        status: {
          phase: "Running",
          podIP: "127.0.0.2",
          containerStatuses: [{ ready: true, restartCount: 1 }, { state: { waiting: { reason: "CrashLoopBackOff" } } }],
        },
      },
      { Ready: "1/2", Status: "CrashLoopBackOff", Restarts: "1", IP: "127.0.0.2", Node: "n" },
    ],
    [
      "",
      "pods",
      { metadata: { ...created, deletionTimestamp: "2026-01-01T00:00:01Z" } },
      { Ready: "0/0", Status: "Terminating" },
    ],
    [
      "",
      "services",
      {
        metadata: created,
        spec: {
          type: "ClusterIP",
          clusterIP: "10.96.0.1",
          ports: [{ port: 80, protocol: "TCP" }],
          selector: { b: "1", a: "2" },
        },
      },
      {
        Type: "ClusterIP",
        "Cluster-IP": "10.96.0.1",
        "External-IP": "<none>",
        "Port(s)": "80/TCP",
        Selector: "a=2,b=1",
      },
    ],
    [
      "discovery.k8s.io",
      "endpointslices",
      {
        metadata: created,
        addressType: "IPv4",
        ports: [{ port: 80 }],
        endpoints: ["a", "b", "c", "d"].map((address) => ({ addresses: [address] })),
      },
      { AddressType: "IPv4", Ports: "80", Endpoints: "a,b,c + 1 more..." },
    ],
    [
      "",
      "events",
      {
        metadata: created,
        lastTimestamp: "2026-01-01T00:01:00Z",
        type: "Normal",
        reason: "Up",
        message: "m",
        involvedObject: { kind: "Bird", name: "tit" },
      },
      { "Last Seen": "30s", Type: "Normal", Reason: "Up", Object: "bird/tit", Message: "m" },
    ],
    [
      "autoscaling",
      "horizontalpodautoscalers",
      {
        metadata: created,
        spec: { scaleTargetRef: { kind: "Deployment", name: "app" }, minReplicas: 1, maxReplicas: 5 },
        status: { currentReplicas: 2 },
      },
      { Reference: "Deployment/app", MinPods: "1", MaxPods: 5, Replicas: 2 },
    ],
    ["", "namespaces", { metadata: created, status: { phase: "Active" } }, { Status: "Active", Age: "90s" }],
    [
      "networking.k8s.io",
      "ingresses",
      { metadata: created, spec: { rules: [{ host: "a.b" }] } },
      { Class: "<none>", Hosts: "a.b", Ports: "80" },
    ],
    [
      "",
      "nodes",
      { metadata: created, status: { conditions: [{ type: "Ready", status: "True" }] } },
      { Status: "Ready" },
    ],
    ["", "configmaps", { metadata: created, data: { a: "1", b: "2" } }, { Data: 2 }],
  ])("of %s %s shows %#", (group, plural, object, expected) => {
    expect(rowOf(group, plural, object)).toMatchObject(expected);
  });
});

describe("an age", () => {
  it.each([
    [0, "0s"],
    [119, "119s"],
    [185, "3m5s"],
    [600, "10m"],
    [4 * 3600, "4h"],
    [9 * 3600, "9h"],
    [3 * 86400 + 3600, "3d1h"],
    [30 * 86400, "30d"],
    [800 * 86400, "2y70d"],
  ])("of %d seconds is %s", (seconds, text) => {
    expect(shortDuration(seconds)).toBe(text);
  });
});

describe("a JSONPath", () => {
  const value = {
    a: { "b.c": [1, 2] },
    list: [
      { t: "x", v: 1 },
      { t: "y", v: 2 },
    ],
  };
  it.each<[string, Json[]]>([
    [".a['b.c'][0]", [1]],
    [".a.b\\.c[*]", [1, 2]],
    ['.list[?(@.t=="y")].v', [2]],
    [".list[*].t", ["x", "y"]],
    [".list[-1].v", [2]],
    [".nothing.here", []],
    ["{.a['b.c'][1]}", [2]],
  ])("%s finds %j", (path, found) => {
    expect(jsonPath(value, path)).toEqual(found);
  });
});

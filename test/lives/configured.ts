import { kinds } from "../../src/kube/kinds.ts";
import type { ConfigMap, Deployment, Pod, Secret } from "../../src/kube/objects.ts";
import type { Kube, KubeObject } from "../../src/kube/port.ts";
import type { Life, LifeOptions } from "./life.ts";
import { aDeployment, apexService, aRoute, manifest, NAMESPACE } from "./manifests.ts";
import { all, find } from "./watchman.ts";

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const aConfigMap = (greeting: string, rest: object = {}): KubeObject =>
  manifest("v1", "ConfigMap", "web-config", { data: { GREETING: greeting }, ...rest });

export const aSecret = (token: string): KubeObject =>
  manifest("v1", "Secret", "web-token", { type: "Opaque", data: { token: base64(token) } });

/** A pod that is configured in every way there is. */
export function configuredPod(version = "1"): object {
  return {
    imagePullSecrets: [{ name: "registry" }],
    initContainers: [
      {
        name: "init",
        image: "example/init:1",
        env: [{ name: "T", valueFrom: { secretKeyRef: { name: "web-token", key: "token" } } }],
      },
    ],
    containers: [
      {
        name: "web",
        image: `example/web:${version}`,
        ports: [{ name: "http", containerPort: 8080 }],
        env: [
          { name: "VERSION", value: version },
          { name: "G", valueFrom: { configMapKeyRef: { name: "web-config", key: "GREETING" } } },
        ],
        envFrom: [{ configMapRef: { name: "web-config" } }, { configMapRef: { name: "web-extra", optional: true } }],
        volumeMounts: [{ name: "all", mountPath: "/all" }],
      },
    ],
    volumes: [
      { name: "token", secret: { secretName: "web-token" } },
      { name: "config", configMap: { name: "web-config" } },
      {
        name: "all",
        projected: { sources: [{ configMap: { name: "web-config" } }, { secret: { name: "web-token" } }] },
      },
    ],
  };
}

/** The usual application, configured by ConfigMap `web-config`, Secret `web-token` and, when it is there, `web-extra`. */
export async function applyConfigured(kube: Kube): Promise<void> {
  await kube.create(kinds.configMap, aConfigMap("hello", { binaryData: { logo: base64("bird") } }));
  await kube.create(kinds.secret, aSecret("s3cret-one"));
  const template = { metadata: { labels: { app: "web" } }, spec: configuredPod() };
  await kube.create(kinds.deployment, aDeployment(3, { template }));
  await kube.create(kinds.service, apexService);
  await kube.create(kinds.httpRoute, aRoute());
}

export const configured = { workload: applyConfigured } satisfies LifeOptions;

export async function greet(life: Life, greeting: string): Promise<void> {
  await life.kube.mergePatch(
    kinds.configMap,
    { namespace: NAMESPACE, name: "web-config" },
    { data: { GREETING: greeting } },
  );
}

export async function rotate(life: Life, token: string): Promise<void> {
  await life.kube.mergePatch(
    kinds.secret,
    { namespace: NAMESPACE, name: "web-token" },
    { data: { token: base64(token) } },
  );
}

/** Copies of both kinds, as `Kind/name`. */
export function copies(life: Life): string[] {
  const held = [kinds.configMap, kinds.secret].flatMap((kind) =>
    all<KubeObject>(life.server, kind).map(({ metadata }) => `${kind.kind}/${metadata.name}`),
  );
  return held.filter((name) => name.includes("-primary-")).sort();
}

/** The names that stand in the places where the pods of a Deployment are configured, each once. */
export function configuredBy(life: Life, deployment: string): string[] {
  const text = JSON.stringify(life.deployment(deployment)?.spec.template.spec ?? {});
  return [
    ...new Set(
      [...text.matchAll(/"(?:name|secretName)":"(web-(?:config|token|extra)[^"]*)"/g)].map(([, name]) => name ?? ""),
    ),
  ].sort();
}

/** What the primary's pods see as their greeting when they start now. */
export function greetingOf(life: Life, deployment = "web-primary"): string | undefined {
  const name = configuredBy(life, deployment).find((one) => one.startsWith("web-config")) ?? "";
  return (find(life.server, kinds.configMap, name) as ConfigMap | undefined)?.data?.["GREETING"];
}

export function tokenOf(life: Life): string | undefined {
  const name = configuredBy(life, "web-primary").find((one) => one.startsWith("web-token")) ?? "";
  const held = (find(life.server, kinds.secret, name) as Secret | undefined)?.data?.["token"];
  return held === undefined ? undefined : Buffer.from(held, "base64").toString();
}

/** Milliseconds since the epoch at which the oldest pod of the target was made, of those that are to stay. */
export function oldestPod(life: Life): number {
  const pods = all<Pod>(life.server, kinds.pod).filter(
    ({ metadata }) => metadata.labels?.["app"] === "web" && metadata.deletionTimestamp === undefined,
  );
  return Math.min(...pods.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? "")));
}

export function templateOf(life: Life, name = "web"): Deployment["spec"]["template"] | undefined {
  return life.deployment(name)?.spec.template;
}

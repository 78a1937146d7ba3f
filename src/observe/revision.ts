import type { CopyRecord } from "../kube/configuration.ts";
import type { PodTemplateSpec } from "../kube/objects.ts";
import { fingerprint } from "../lib/fingerprint.ts";
import { annotations, IDLE_NODES } from "../lib/names.ts";
import { rememberByObject } from "../lib/remember.ts";

/**
 * Fingerprint of a pod template and of the configuration that it refers to, which the names of its copies stand for:
 * ten hex digits, equal for what runs the same pods. Without any configuration it is that of the template alone.
 *
 * Not in it: key order, empty fields, defaults that the API server fills in, the restart annotation, and anything of
 * Aviary's own. The function must never change its answer for a template, or an upgrade of Aviary would release every
 * target again: its tests hold pinned values.
 */
export function revisionOf(template: PodTemplateSpec, copies: CopyRecord = {}): string {
  const pods = templateRevision(template);
  const configuration = Object.entries(copies).sort(([a], [b]) => (a < b ? -1 : 1));
  return configuration.length === 0 ? pods : fingerprint(JSON.stringify([pods, configuration]));
}

/** Normalising and hashing a template costs more than everything else about a workload. */
const templateRevision = rememberByObject((template: PodTemplateSpec) =>
  fingerprint(JSON.stringify(normalise(template, []) ?? {})),
);

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Key-ordered, without empty fields and without defaults; undefined when nothing is left. */
function normalise(value: unknown, path: readonly string[]): Json | undefined {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    // An element keeps its place even when nothing of it is left.
    return value.length === 0 ? undefined : value.map((element) => normalise(element, path) ?? {});
  }
  if (typeof value === "object") return normaliseObject(value as Record<string, unknown>, path);
  if (isDefault(path, value)) return undefined;
  return value as string | number | boolean;
}

function normaliseObject(object: Record<string, unknown>, path: readonly string[]): Json | undefined {
  const entries: [string, Json][] = [];
  for (const key of Object.keys(object).sort()) {
    if (key === annotations.restartedAt && path.at(-1) === "annotations") continue;
    if (key === IDLE_NODES && path.at(-1) === "nodeSelector") continue;
    if (key === "imagePullPolicy" && object[key] === defaultPullPolicy(object["image"])) continue;
    const child = normalise(object[key], [...path, key]);
    if (child !== undefined) entries.push([key, child]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** `Always` for the tag `latest` or none, else `IfNotPresent`. Source: Kubernetes, "Images: default pull policy". */
function defaultPullPolicy(image: unknown): string {
  if (typeof image !== "string") return "IfNotPresent";
  if (image.includes("@")) return "IfNotPresent";
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest" ? "Always" : "IfNotPresent";
}

const PROBES = new Set(["livenessProbe", "readinessProbe", "startupProbe"]);

/** Defaults of the pod API, by the field's name and the field that holds it. Source: k8s.io/api/core/v1, defaults.go. */
const DEFAULTS: Readonly<Record<string, (value: unknown, parent: string | undefined) => boolean>> = {
  terminationMessagePath: (value) => value === "/dev/termination-log",
  terminationMessagePolicy: (value) => value === "File",
  restartPolicy: (value, parent) => value === "Always" && parent === "spec",
  dnsPolicy: (value) => value === "ClusterFirst",
  schedulerName: (value) => value === "default-scheduler",
  terminationGracePeriodSeconds: (value, parent) => value === 30 && parent === "spec",
  enableServiceLinks: (value) => value === true,
  protocol: (value, parent) => value === "TCP" && parent === "ports",
  timeoutSeconds: (value, parent) => value === 1 && parent !== undefined && PROBES.has(parent),
  periodSeconds: (value, parent) => value === 10 && parent !== undefined && PROBES.has(parent),
  successThreshold: (value, parent) => value === 1 && parent !== undefined && PROBES.has(parent),
  failureThreshold: (value, parent) => value === 3 && parent !== undefined && PROBES.has(parent),
  scheme: (value, parent) => value === "HTTP" && parent === "httpGet",
  path: (value, parent) => value === "/" && parent === "httpGet",
  service: (value, parent) => value === "" && parent === "grpc",
  defaultMode: (value) => value === 420,
  expirationSeconds: (value, parent) => value === 3600 && parent === "serviceAccountToken",
  apiVersion: (value, parent) => value === "v1" && parent === "fieldRef",
  divisor: (value) => value === "0",
  procMount: (value) => value === "Default",
};

function isDefault(path: readonly string[], value: unknown): boolean {
  const field = path.at(-1);
  const rule = field === undefined ? undefined : Object.hasOwn(DEFAULTS, field) ? DEFAULTS[field] : undefined;
  // A label or an annotation may bear the name of a field: those are the user's own words.
  const parent = path.at(-2);
  if (rule === undefined || parent === "labels" || parent === "annotations") return false;
  return rule(value, parent);
}

import { fingerprint } from "../lib/fingerprint.ts";
import { annotations, copyName } from "../lib/names.ts";
import type { ConfigMap, Container, EnvVar, PodTemplateSpec, ProjectedSource, Secret, Volume } from "./objects.ts";
import { kinds } from "./kinds.ts";
import type { KubeObject, ResourceKind } from "./port.ts";

/** Kinds of objects that pods are configured with. */
export type ConfigurationKind = "ConfigMap" | "Secret";

/** An object that a pod template refers to, in the template's own namespace. */
export interface Reference {
  readonly kind: ConfigurationKind;
  readonly name: string;
  /** Pods start without it. */
  readonly optional: boolean;
}

/**
 * Which copy stands for which object, by `Kind/name`. The name of a copy holds a fingerprint of its values, so two equal
 * records stand for equal configurations.
 */
export type CopyRecord = Readonly<Record<string, string>>;

/** What stands for an object's new name; the old one keeps a reference as it is. */
type Rename = (reference: Reference) => string;

export function idOf({ kind, name }: Pick<Reference, "kind" | "name">): string {
  return `${kind}/${name}`;
}

export function resourceKindOf(kind: ConfigurationKind): ResourceKind {
  return kind === "ConfigMap" ? kinds.configMap : kinds.secret;
}

/**
 * The ConfigMaps and Secrets that a template refers to, each once, in a fixed order: by variables and volumes of all its
 * containers. What is for the kubelet or a volume driver alone (`imagePullSecrets`) is not among them.
 */
export function referencesOf(template: PodTemplateSpec): readonly Reference[] {
  const found = new Map<string, Reference>();
  withReferences(template, (reference) => {
    const held = found.get(idOf(reference));
    // What one container can do without, another may need.
    found.set(idOf(reference), { ...reference, optional: reference.optional && held?.optional !== false });
    return reference.name;
  });
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reference]) => reference);
}

/** The template with other names in its references; nothing else in it changes. */
export function withReferences(template: PodTemplateSpec, rename: Rename): PodTemplateSpec {
  const { spec } = template;
  const initContainers = spec.initContainers?.map((container) => inContainer(container, rename));
  const volumes = spec.volumes?.map((volume) => inVolume(volume, rename));
  return {
    ...template,
    spec: {
      ...spec,
      ...present("initContainers", initContainers),
      containers: spec.containers.map((container) => inContainer(container, rename)),
      ...present("volumes", volumes),
    },
  };
}

/** A field that is there only when it has a value, so that what was not there does not appear. */
function present<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [name in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [name in Key]?: Value });
}

function inContainer(container: Container, rename: Rename): Container {
  const env = container.env?.map((variable) => ({
    ...variable,
    ...present("valueFrom", inVariable(variable.valueFrom, rename)),
  }));
  const envFrom = container.envFrom?.map((source) => ({
    ...source,
    ...renamed("configMapRef", source.configMapRef, "ConfigMap", rename),
    ...renamed("secretRef", source.secretRef, "Secret", rename),
  }));
  return { ...container, ...present("env", env), ...present("envFrom", envFrom) };
}

function inVariable(valueFrom: EnvVar["valueFrom"], rename: Rename): EnvVar["valueFrom"] {
  if (valueFrom === undefined) return undefined;
  return {
    ...valueFrom,
    ...renamed("configMapKeyRef", valueFrom.configMapKeyRef, "ConfigMap", rename),
    ...renamed("secretKeyRef", valueFrom.secretKeyRef, "Secret", rename),
  };
}

function inVolume(volume: Volume, rename: Rename): Volume {
  const { configMap, secret, projected } = volume;
  const sources = projected?.sources?.map((source) => inSource(source, rename));
  const { secretName: name, optional } = secret ?? {};
  const secretName = name === undefined ? undefined : rename({ kind: "Secret", name, optional: optional === true });
  return {
    ...volume,
    ...renamed("configMap", configMap, "ConfigMap", rename),
    ...(secretName === undefined ? {} : { secret: { ...secret, secretName } }),
    ...(sources === undefined ? {} : { projected: { ...projected, sources } }),
  };
}

function inSource(source: ProjectedSource, rename: Rename): ProjectedSource {
  return {
    ...source,
    ...renamed("configMap", source.configMap, "ConfigMap", rename),
    ...renamed("secret", source.secret, "Secret", rename),
  };
}

interface NamedReference {
  readonly name?: string;
  readonly optional?: boolean;
}

function renamed<Key extends string, Ref extends NamedReference>(
  key: Key,
  ref: Ref | undefined,
  kind: ConfigurationKind,
  rename: Rename,
): { readonly [name in Key]?: Ref } {
  if (ref?.name === undefined) return {};
  const name = rename({ kind, name: ref.name, optional: ref.optional === true });
  return present(key, { ...ref, name });
}

/** The template as the primary runs it: with the copies in the place of what they were copied from. */
export function withCopies(template: PodTemplateSpec, copies: CopyRecord): PodTemplateSpec {
  return withReferences(template, (reference) => copies[idOf(reference)] ?? reference.name);
}

/** The template as the target had it: with the user's own objects in the place of their copies. */
export function withoutCopies(template: PodTemplateSpec, copies: CopyRecord): PodTemplateSpec {
  const originals = new Map(
    Object.entries(copies).map(([id, copy]) => {
      const [kind = "", name = ""] = id.split("/");
      return [`${kind}/${copy}`, name];
    }),
  );
  return withReferences(template, (reference) => originals.get(idOf(reference)) ?? reference.name);
}

/** What the primary says of its copies; empty for one that was made without any. */
export function recordOf(primary: KubeObject | undefined): CopyRecord {
  const text = primary?.metadata.annotations?.[annotations.configuration];
  if (text === undefined) return {};
  try {
    const held: unknown = JSON.parse(text);
    if (typeof held !== "object" || held === null) return {};
    return Object.fromEntries(Object.entries(held).filter(([, copy]) => typeof copy === "string"));
  } catch {
    return {};
  }
}

/** Stands in the name of a copy for an optional object that is not there: there is no such copy. */
const ABSENT = "absent";

export function copyOfAbsent(name: string): string {
  return copyName(name, ABSENT);
}

export function isCopyOfAbsent(copy: string): boolean {
  return copy.endsWith(`-${ABSENT}`);
}

/** Name of the copy of an object's values for the primary of `target`; several targets may share an object. */
export function copyOf(object: ConfigMap | Secret, target: string): string {
  const { data, binaryData } = object as ConfigMap;
  const content = JSON.stringify([target, object.kind, object.metadata.name, sorted(data), sorted(binaryData)]);
  return copyName(object.metadata.name, fingerprint(content));
}

function sorted(values: Readonly<Record<string, string>> | null | undefined): readonly (readonly [string, string])[] {
  return Object.entries(values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

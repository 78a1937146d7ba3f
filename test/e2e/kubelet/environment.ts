import type { Cluster, KubeObject } from "../../cluster/harness/cluster.ts";
import type { Container, EnvSource, EnvVar, KeyRef, Pod } from "./objects.ts";

export type Environment = Record<string, string>;

/** What a container cannot be started without; the message is what its status says. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * The variables of a container as its spec says, and where to listen.
 *
 * @throws ConfigError for a ConfigMap, Secret or key that is not there and not optional
 */
export async function environmentOf(cluster: Cluster, pod: Pod, address: string): Promise<Environment> {
  const [container] = pod.spec.containers;
  const context = { cluster, pod, address };
  const environment: Environment = defaultsOf(container, pod, address);
  for (const source of container.envFrom ?? []) Object.assign(environment, await fromSource(context, source));
  for (const variable of container.env ?? []) {
    const value = await valueOf(context, variable);
    if (value !== undefined) environment[variable.name] = value;
  }
  return environment;
}

function defaultsOf({ image, ports }: Container, pod: Pod, address: string): Environment {
  return {
    IMAGE: image,
    POD_NAME: pod.metadata.name,
    POD_IP: address,
    PORT: String(ports?.[0]?.containerPort ?? 8080),
  };
}

interface Context {
  readonly cluster: Cluster;
  readonly pod: Pod;
  readonly address: string;
}

async function valueOf(context: Context, { value, valueFrom }: EnvVar): Promise<string | undefined> {
  if (valueFrom === undefined) return value ?? "";
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(context, fieldRef.fieldPath);
  if (configMapKeyRef !== undefined) return keyOf(context, "ConfigMap", configMapKeyRef);
  if (secretKeyRef !== undefined) return keyOf(context, "Secret", secretKeyRef);
  throw new ConfigError("this kubelet knows fieldRef, configMapKeyRef and secretKeyRef only");
}

function fieldOf({ pod, address }: Context, path: string): string {
  const fields: Record<string, string> = {
    "metadata.name": pod.metadata.name,
    "metadata.namespace": pod.metadata.namespace ?? "",
    "status.podIP": address,
    "spec.nodeName": pod.spec.nodeName ?? "",
  };
  const value = fields[path];
  if (value === undefined) throw new ConfigError(`this kubelet does not know the field ${path}`);
  return value;
}

async function keyOf(context: Context, kind: DataKind, { name, key, optional }: KeyRef): Promise<string | undefined> {
  const data = await dataOf(context, kind, name, optional);
  const value = data[key];
  if (value === undefined && optional !== true) throw new ConfigError(`couldn't find key ${key} in ${kind} ${name}`);
  return value;
}

async function fromSource(context: Context, { prefix = "", configMapRef, secretRef }: EnvSource): Promise<Environment> {
  const [kind, ref] =
    configMapRef === undefined ? (["Secret", secretRef] as const) : (["ConfigMap", configMapRef] as const);
  if (ref === undefined) return {};
  const data = await dataOf(context, kind, ref.name, ref.optional);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [prefix + key, value]));
}

type DataKind = "ConfigMap" | "Secret";

interface DataObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

async function dataOf(
  { cluster, pod }: Context,
  kind: DataKind,
  name: string,
  optional: boolean | undefined,
): Promise<Readonly<Record<string, string>>> {
  const { namespace = "default" } = pod.metadata;
  const object = await cluster.get<DataObject>({ apiVersion: "v1", kind, namespace, name });
  if (object === undefined && optional !== true) throw new ConfigError(`${kind.toLowerCase()} "${name}" not found`);
  const data = object?.data ?? {};
  if (kind === "ConfigMap") return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

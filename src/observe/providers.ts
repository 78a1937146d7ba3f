import type { Canary, Check } from "../api/canary.ts";
import type { MetricProviderObject } from "../api/metricProvider.ts";
import { metricProviderParser } from "../api/metricProvider.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { Secret } from "../kube/objects.ts";
import type { Kube, KubeObject } from "../kube/port.ts";
import { metricProviderFor, metricProviders } from "../metrics/index.ts";
import type { MetricSource, SecretUse } from "../metrics/provider.ts";
import type { AskProvider } from "./readings.ts";

const blocks = Object.fromEntries(metricProviders.map(({ name, schema }) => [name, schema]));
const parsers = {
  MetricProvider: metricProviderParser("MetricProvider", { blocks }),
  ClusterMetricProvider: metricProviderParser("ClusterMetricProvider", { blocks }),
};

/** Where a check's numbers come from, or why that cannot be told. */
export type FoundProvider =
  | { readonly ok: true; readonly id: string; readonly provider: MetricProviderObject }
  | { readonly ok: false; readonly reason: "NoMetricProvider" | "InvalidMetricProvider"; readonly message: string };

export interface ProviderOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  /** Address of the Prometheus that is asked when nobody names a provider. */
  readonly defaultPrometheusUrl: string | undefined;
  /** Namespace of the Secrets of a ClusterMetricProvider that names none. */
  readonly ownNamespace: string;
}

/** The provider of a check: its `providerRef`, else the ClusterMetricProvider `default`, else the controller's own. */
export function findProvider(options: ProviderOptions, canary: Canary, check: Check): FoundProvider {
  const { reads, defaultPrometheusUrl } = options;
  const ref = check.threshold.providerRef;
  const namespace = canary.metadata.namespace ?? "default";
  if (ref !== undefined) {
    const kind = ref.kind === "MetricProvider" ? kinds.metricProvider : kinds.clusterMetricProvider;
    const object = reads.get(kind, kind.namespaced ? { namespace, name: ref.name } : { name: ref.name });
    return object === undefined
      ? { ok: false, reason: "NoMetricProvider", message: `check ${check.name}: there is no ${ref.kind} ${ref.name}` }
      : parsed(ref.kind, object);
  }
  const fallback = reads.get(kinds.clusterMetricProvider, { name: "default" });
  if (fallback !== undefined) return parsed("ClusterMetricProvider", fallback);
  if (defaultPrometheusUrl === undefined) {
    const message = `check ${check.name}: nobody says where its numbers are`;
    return { ok: false, reason: "NoMetricProvider", message };
  }
  return parsed("ClusterMetricProvider", {
    apiVersion: "aviary.dev/v1beta1",
    kind: "ClusterMetricProvider",
    metadata: { name: "(--prometheus-url)", uid: "flag", resourceVersion: "0" },
    spec: { prometheus: { url: defaultPrometheusUrl } },
  } as KubeObject);
}

function parsed(kind: "MetricProvider" | "ClusterMetricProvider", object: KubeObject): FoundProvider {
  const result = parsers[kind](object);
  if (!result.ok) {
    const sentences = result.problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    return { ok: false, reason: "InvalidMetricProvider", message: `${kind} ${object.metadata.name}: ${sentences}` };
  }
  return {
    ok: true,
    id: `${object.metadata.uid ?? ""}/${object.metadata.resourceVersion ?? ""}`,
    provider: result.provider,
  };
}

/** Connections to back-ends, shared by all checks that name the same provider. */
export interface Providers {
  readonly ask: AskProvider;
  close(): Promise<void>;
}

export function createProviders(options: ProviderOptions): Providers {
  const sources = new Map<string, Promise<MetricSource>>();

  const sourceOf = (id: string, provider: MetricProviderObject, signal: AbortSignal): Promise<MetricSource> => {
    const held = sources.get(id);
    if (held !== undefined) return held;
    const made = connect(options, provider, signal);
    sources.set(id, made);
    // A Secret that is not there yet must not be the answer for ever.
    made.catch(() => sources.delete(id));
    return made;
  };

  const drop = (id: string): void => {
    const source = sources.get(id);
    sources.delete(id);
    void source?.then((held) => held.close()).catch(() => undefined);
  };

  return {
    async ask({ canary, check, query, timeMs }, signal) {
      const found = findProvider(options, canary, check);
      if (!found.ok) return { kind: "unreachable", message: found.message };
      const source = await sourceOf(found.id, found.provider, signal);
      const reading = await source.read(query, { timeMs, signal });
      // Credentials may have rotated: the next question reads them anew.
      if (reading.kind === "unreachable") drop(found.id);
      return reading;
    },
    async close() {
      const held = [...sources.values()];
      sources.clear();
      await Promise.allSettled(held.map(async (source) => (await source).close()));
    },
  };
}

async function connect(
  options: ProviderOptions,
  provider: MetricProviderObject,
  signal: AbortSignal,
): Promise<MetricSource> {
  const kind = metricProviderFor(provider.spec.provider);
  if (kind === undefined) throw new Error(`there is no kind of provider named ${provider.spec.provider}`);
  const { block } = provider.spec;
  const credentials: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  for (const use of kind.secrets(block)) {
    const value = await secretValue(options, provider, use, signal);
    if (typeof use.use === "string") credentials[use.use] = value;
    else headers[use.use.header] = value;
  }
  return kind.connect(block, { ...credentials, headers });
}

async function secretValue(
  { kube, ownNamespace }: ProviderOptions,
  provider: MetricProviderObject,
  { secret, key }: SecretUse,
  signal: AbortSignal,
): Promise<string> {
  // A MetricProvider reads Secrets of its own namespace and of no other: its author may not be allowed to see them.
  const namespace =
    provider.kind === "MetricProvider"
      ? (provider.metadata.namespace ?? "default")
      : (secret.namespace ?? ownNamespace);
  const object = await kube.get<Secret>(kinds.secret, { namespace, name: secret.name }, { signal });
  const encoded = object?.data?.[key];
  if (encoded === undefined) {
    const what = object === undefined ? "does not exist" : `has no key ${key}`;
    throw new Error(
      `Secret ${namespace}/${secret.name}, which ${provider.kind} ${provider.metadata.name} names, ${what}`,
    );
  }
  return Buffer.from(encoded, "base64").toString("utf8");
}

import type { Canary } from "../api/canary.ts";
import type { MetricProviderObject } from "../api/metricProvider.ts";
import { metricProviderParser } from "../api/metricProvider.ts";
import type { Question } from "../api/query.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { Secret } from "../kube/objects.ts";
import type { Kube, KubeObject } from "../kube/port.ts";
import { metricProviderFor, metricProviders } from "../metrics/index.ts";
import { rememberByObject, rememberByText } from "../lib/remember.ts";
import type { Clock } from "../lib/time.ts";
import type { MetricSource, Reading, Refusal, SecretUse, SeriesAnswer } from "../metrics/provider.ts";
import { fillIn } from "./query.ts";
import type { AskProvider, LookBack } from "./readings.ts";
import type { AskSeries } from "./series.ts";

const blocks = Object.fromEntries(metricProviders.map(({ name, schema }) => [name, schema]));
/** An object is read once, and not by every question at every look. */
const parserOf = (kind: "MetricProvider" | "ClusterMetricProvider") =>
  rememberByObject<KubeObject, ReturnType<ReturnType<typeof metricProviderParser>>>(
    metricProviderParser(kind, { blocks }),
  );
const parsers = {
  MetricProvider: parserOf("MetricProvider"),
  ClusterMetricProvider: parserOf("ClusterMetricProvider"),
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

/** Who is asked a question: its `providerRef`, else the ClusterMetricProvider `default`, else the controller's own. */
export function findProvider(options: ProviderOptions, canary: Canary, question: Question): FoundProvider {
  const { reads, defaultPrometheusUrl } = options;
  const { what, providerRef: ref } = question;
  const namespace = canary.metadata.namespace ?? "default";
  if (ref !== undefined) {
    const kind = ref.kind === "MetricProvider" ? kinds.metricProvider : kinds.clusterMetricProvider;
    const object = reads.get(kind, kind.namespaced ? { namespace, name: ref.name } : { name: ref.name });
    return object === undefined
      ? { ok: false, reason: "NoMetricProvider", message: `${what}: there is no ${ref.kind} ${ref.name}` }
      : parsed(ref.kind, object);
  }
  const fallback = reads.get(kinds.clusterMetricProvider, { name: "default" });
  if (fallback !== undefined) return parsed("ClusterMetricProvider", fallback);
  if (defaultPrometheusUrl === undefined) {
    const message = `${what}: nobody says where its numbers are`;
    return { ok: false, reason: "NoMetricProvider", message };
  }
  return parsed("ClusterMetricProvider", ownProvider(defaultPrometheusUrl));
}

/** The flag's, as if somebody had created it. A process has one. */
const ownProvider = rememberByText(1, (url): KubeObject => {
  return {
    apiVersion: "aviary.dev/v1beta1",
    kind: "ClusterMetricProvider",
    metadata: { name: "(--prometheus-url)", uid: "flag", resourceVersion: "0" },
    spec: { prometheus: { url } },
  } as KubeObject;
});

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
  readonly lookBackMs: LookBack;
  readonly askSeries: AskSeries;
  close(): Promise<void>;
}

/** A query over hours is about something else than this release or this weight, and is not waited for. */
const MAX_LOOK_BACK_MS = 300_000;

/** How far back the answer to a question looks, as far as that is waited for; 0 when nobody can tell. */
function lookBackMs(options: ProviderOptions, canary: Canary, question: Question): number {
  const found = findProvider(options, canary, question);
  const filled = fillIn(canary, question.query);
  if (!found.ok || !filled.ok) return 0;
  const { provider, block } = found.provider.spec;
  return Math.min(metricProviderFor(provider)?.windowMs(block, filled.query) ?? 0, MAX_LOOK_BACK_MS);
}

const WITHOUT_SERIES: SeriesAnswer = {
  kind: "badQuery",
  message: "this kind of provider gives no series, which checks of kind slo and comparison need: name a prometheus one",
};

interface Held {
  readonly provider: string;
  readonly source: Promise<MetricSource>;
  /** Questions that are under way. */
  users: number;
  /** Asked no more; closed once nobody waits for an answer of it. */
  retired: boolean;
  usedMs: number;
}

/** A back-end that nobody has asked for so long is asked over a new connection the next time. Source: our choice. */
const IDLE_MS = 600_000;

export function createProviders(options: ProviderOptions, clock: Clock): Providers {
  const held = new Map<string, Held>();

  const retire = (id: string, entry: Held): void => {
    if (held.get(id) === entry) held.delete(id);
    entry.retired = true;
    if (entry.users === 0) void entry.source.then((source) => source.close()).catch(() => undefined);
  };
  /** Providers that were changed or deleted, and those that nobody names any more. */
  const retireOthers = (id: string, provider: string): void => {
    for (const [other, entry] of held) {
      const replaced = other !== id && entry.provider === provider;
      if (replaced || (entry.users === 0 && clock.now() - entry.usedMs > IDLE_MS)) retire(other, entry);
    }
  };
  const entryFor = (found: FoundProvider & { ok: true }, signal: AbortSignal): Held => {
    const provider = found.provider.metadata.uid ?? "";
    retireOthers(found.id, provider);
    const known = held.get(found.id);
    if (known !== undefined) return known;
    const source = connect(options, found.provider, signal);
    const made: Held = { provider, source, users: 0, retired: false, usedMs: clock.now() };
    held.set(found.id, made);
    return made;
  };

  /** Puts a question to the back-end that answers it. */
  const put = async <T extends Reading | SeriesAnswer>(
    { canary, question }: { readonly canary: Canary; readonly question: Question },
    signal: AbortSignal,
    to: (source: MetricSource) => Promise<T>,
  ): Promise<T | Refusal> => {
    const found = findProvider(options, canary, question);
    if (!found.ok) return { kind: "unreachable", message: found.message };
    const entry = entryFor(found, signal);
    entry.users += 1;
    entry.usedMs = clock.now();
    let answered = false;
    try {
      const answer = await to(await entry.source);
      answered = answer.kind !== "unreachable";
      return answer;
    } finally {
      entry.users -= 1;
      // Credentials may have rotated, or a Secret may be there by now: the next question connects anew.
      if (!answered || entry.retired) retire(found.id, entry);
    }
  };

  return {
    lookBackMs: (canary, question) => lookBackMs(options, canary, question),
    ask: (asked, signal) => put<Reading>(asked, signal, (source) => source.read(asked.query, { signal })),
    askSeries: (asked, signal) =>
      put<SeriesAnswer>(asked, signal, (source) => {
        return source.series?.(asked.query, { signal, atMs: asked.atMs }) ?? Promise.resolve(WITHOUT_SERIES);
      }),
    async close() {
      const entries = [...held.values()];
      held.clear();
      await Promise.allSettled(entries.map(async ({ source }) => (await source).close()));
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
  // Whoever may write in one namespace must not ask in the name of the controller, at an address of their choice.
  const mayUseOwnIdentity = provider.kind === "ClusterMetricProvider";
  return kind.connect(block, { ...credentials, headers }, { mayUseOwnIdentity });
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

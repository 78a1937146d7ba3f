import type { Canary } from "../api/canary.ts";
import { copyOf, copyOfAbsent, idOf, recordOf, referencesOf, resourceKindOf } from "../kube/configuration.ts";
import type { ConfigurationKind, CopyRecord, Reference } from "../kube/configuration.ts";
import { isKubeError } from "../kube/errors.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { resourceVersionOf } from "../kube/objects.ts";
import type { ConfigMap, PodTemplateSpec, Secret } from "../kube/objects.ts";
import type { Kube, KubeObject, ObjectRef } from "../kube/port.ts";
import { annotations } from "../lib/names.ts";
import { rememberByObject } from "../lib/remember.ts";
import { revisionOf } from "./revision.ts";

export interface ConfigurationOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  /** Without it Secrets are neither watched nor read nor copied, and no permission for them is needed. */
  readonly trackSecrets: boolean;
}

/** The configuration that a target's template refers to, as it is now, beside what the primary was made with. */
export interface ConfigurationView {
  /** The revision of the target: its template and what it is configured with. */
  readonly revision: string;
  /** What that revision holds of it, each object by the name of the copy that stands for its values. */
  readonly copies: CopyRecord;
  /** The same for all that is tracked now: the values that can be copied. */
  readonly values: CopyRecord;
  /** The target's template is the one that the primary was made from, whatever its configuration says by now. */
  readonly sameTemplate: boolean;
  /** Objects whose values are not those of the primary's copies, such as `ConfigMap web`. */
  readonly changed: readonly string[];
  /** What the pods need and what is not there. */
  readonly missing: readonly string[];
  /** What Aviary is not allowed to read. */
  readonly unreadable: readonly string[];
  /** What says neither yes nor no about being tracked. */
  readonly unclear: readonly string[];
}

/** Reads the configuration of targets: each object once, by `get`, and again when its watch tells of a new version. */
export interface Configuration {
  /** @throws KubeError when the API server gives no answer. */
  look(of: Looked, signal: AbortSignal): Promise<ConfigurationView | undefined>;
  /** Which kinds are watched. */
  readonly kinds: readonly ConfigurationKind[];
  /** Keys of the canaries that looked at an object, or at a copy. */
  referrers(kind: ConfigurationKind, ref: ObjectRef): Iterable<string>;
  forget(canary: string): void;
}

export interface Looked {
  /** Key of the canary in the queue. */
  readonly key: string;
  readonly canary: Canary;
  /** Its name, and the template as the user wrote it. */
  readonly target: { readonly name: string; readonly template: PodTemplateSpec } | undefined;
  readonly primary: KubeObject | undefined;
}

const referencesIn = rememberByObject<PodTemplateSpec, readonly Reference[]>(referencesOf);

export function createConfiguration(options: ConfigurationOptions): Configuration {
  const interests = createInterests();
  const read = createReader(options);
  const tracked: readonly ConfigurationKind[] = options.trackSecrets ? ["ConfigMap", "Secret"] : ["ConfigMap"];
  return {
    kinds: tracked,
    async look({ key, canary, target, primary }, signal) {
      const record = recordOf(primary);
      const isTracked = ({ kind }: Reference): boolean => canary.spec.trackConfiguration && tracked.includes(kind);
      const references = target === undefined ? [] : referencesIn(target.template).filter(isTracked);
      const namespace = canary.metadata.namespace ?? "default";
      // Before the caches are read: what changes from now on puts the canary into the queue again.
      interests.set(key, [...references.map((one) => placeOf(one, namespace)), ...placesOf(record, namespace)]);
      if (target === undefined) return undefined;
      const found: Found[] = [];
      for (const reference of references) {
        found.push({ reference, ...(await read({ reference, namespace, target: target.name }, signal)) });
      }
      return viewOf({ canary, template: target.template, primary, record, found });
    },
    referrers: (kind, { namespace = "default", name }) => interests.of(placeOf({ kind, name }, namespace)),
    forget: (key) => {
      interests.set(key, []);
    },
  };
}

/** What is known of an object that a template refers to. */
type Held =
  { readonly state: "held"; readonly copy: string } | { readonly state: "live" | "unclear" | "missing" | "unreadable" };

type Found = { readonly reference: Reference } & Held;

interface Viewed extends Pick<Looked, "canary" | "primary"> {
  readonly template: PodTemplateSpec;
  readonly record: CopyRecord;
  readonly found: readonly Found[];
}

function viewOf({ canary, template, primary, record, found }: Viewed): ConfigurationView {
  const full = Object.fromEntries(
    found.flatMap((one) => (one.state === "held" ? [[idOf(one.reference), one.copy] as const] : [])),
  );
  const primaryRevision = primary?.metadata.annotations?.[annotations.revision];
  // Only what the primary has a copy of can differ from it: tracking an object begins with the next release.
  const asPrimary = Object.fromEntries(Object.entries(record).map(([id, copy]) => [id, full[id] ?? copy]));
  const copies = copiesIn(canary, template, { full, asPrimary, primaryRevision });
  const namesOf = (state: Held["state"]): string[] =>
    found.flatMap((one) => (one.state === state ? [nameOf(one.reference)] : []));
  return {
    revision: revisionOf(template, copies),
    copies,
    values: full,
    sameTemplate: primaryRevision !== undefined && revisionOf(template, record) === primaryRevision,
    changed: Object.entries(record).flatMap(([id, copy]) => (asPrimary[id] === copy ? [] : [id.replace("/", " ")])),
    missing: namesOf("missing"),
    unreadable: namesOf("unreadable"),
    unclear: namesOf("unclear"),
  };
}

interface Candidates {
  readonly full: CopyRecord;
  readonly asPrimary: CopyRecord;
  readonly primaryRevision: string | undefined;
}

/**
 * Which objects count for the revision. All that are tracked; but when only the set of what is tracked has changed
 * since a revision was promoted, judged or seen (an upgrade of Aviary, a flag, an annotation), it stays that revision.
 */
function copiesIn({ status }: Canary, template: PodTemplateSpec, candidates: Candidates): CopyRecord {
  const { full, asPrimary, primaryRevision } = candidates;
  if (primaryRevision !== undefined && revisionOf(template, asPrimary) === primaryRevision) return asPrimary;
  // Before configuration was part of it, a revision was that of the template alone.
  const plain = revisionOf(template, {});
  const known = [status?.promoted, status?.failed, status?.rollout].some((version) => version?.revision === plain);
  return known ? {} : full;
}

interface Wanted {
  readonly reference: Reference;
  readonly namespace: string;
  /** Name of the target: its primary has copies of its own. */
  readonly target: string;
}

interface Known {
  readonly uid: string | undefined;
  readonly version: bigint;
  readonly held: Held;
}

/** How many objects are remembered; beyond that the ones that were read first are read again. */
const REMEMBERED = 50_000;

function createReader({ kube, reads }: ConfigurationOptions): (of: Wanted, signal: AbortSignal) => Promise<Held> {
  const known = new Map<string, Known>();
  const fetch = async ({ reference, namespace, target }: Wanted, signal: AbortSignal): Promise<Known | undefined> => {
    const { kind, name } = reference;
    const object = await kube.get<ConfigMap | Secret>(resourceKindOf(kind), { namespace, name }, { signal });
    if (object === undefined) return undefined;
    const held: Held = isServiceAccountToken(object) ? { state: "live" } : heldOf(object, target);
    return { uid: object.metadata.uid, version: resourceVersionOf(object), held };
  };
  return async (wanted, signal) => {
    const { reference, namespace, target } = wanted;
    const { kind, name, optional } = reference;
    const resource = resourceKindOf(kind);
    if (reads.failure(resource)?.forbidden === true) return { state: "unreadable" };
    const seen = reads.get<KubeObject>(resource, { namespace, name });
    const place = `${target} ${placeOf(reference, namespace)}`;
    const before = known.get(place);
    if (seen === undefined && optional) return { state: "held", copy: copyOfAbsent(name) };
    const asked = seen === undefined ? undefined : trackingOf(seen);
    if (asked !== undefined && asked !== "track") return { state: asked };
    if (before !== undefined && isCurrent(before, seen)) return before.held;
    try {
      // An object that no watch has told of may have been made just before its workload.
      const now = await fetch(wanted, signal);
      known.delete(place);
      if (now === undefined) return { state: "missing" };
      remember(known, place, now);
      return now.held;
    } catch (error) {
      if (!isKubeError(error, "Forbidden")) throw error;
      return { state: "unreadable" };
    }
  };
}

/** Whether what was read is as new as what the watch has told of: it may be newer, since a watch follows late. */
function isCurrent({ uid, version }: Known, seen: KubeObject | undefined): boolean {
  return seen !== undefined && seen.metadata.uid === uid && version >= resourceVersionOf(seen);
}

function remember(known: Map<string, Known>, place: string, now: Known): void {
  const oldest = known.keys().next();
  if (known.size >= REMEMBERED && oldest.done !== true) known.delete(oldest.value);
  known.set(place, now);
}

function heldOf(object: ConfigMap | Secret, target: string): Held {
  const asked = trackingOf(object);
  return asked === "track" ? { state: "held", copy: copyOf(object, target) } : { state: asked };
}

/** What an object says about being tracked. cert-manager renews what it made: a copy would run out. */
function trackingOf({ metadata }: KubeObject): "track" | "live" | "unclear" {
  const asked = metadata.annotations?.[annotations.track];
  if (asked === undefined) return metadata.annotations?.[annotations.certificate] === undefined ? "track" : "live";
  if (asked === "true") return "track";
  return asked === "false" ? "live" : "unclear";
}

/** Its token is filled in, and replaced, by the cluster, for one ServiceAccount and that Secret alone. */
function isServiceAccountToken(object: ConfigMap | Secret): boolean {
  return (object as Secret).type === "kubernetes.io/service-account-token";
}

function nameOf({ kind, name }: Reference): string {
  return `${kind} ${name}`;
}

function placeOf({ kind, name }: Pick<Reference, "kind" | "name">, namespace: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** Where the copies of a record are. */
function placesOf(record: CopyRecord, namespace: string): string[] {
  return Object.entries(record).map(([id, copy]) => `${id.split("/")[0] ?? ""}/${namespace}/${copy}`);
}

/** Who looked at what, both ways. */
interface Interests {
  set(key: string, places: readonly string[]): void;
  of(place: string): Iterable<string>;
}

function createInterests(): Interests {
  const byPlace = new Map<string, Set<string>>();
  const byKey = new Map<string, readonly string[]>();
  return {
    set(key, places) {
      const before = byKey.get(key);
      if (before !== undefined && before.length === places.length && before.every((one, i) => one === places[i]))
        return;
      for (const place of before ?? []) {
        const keys = byPlace.get(place);
        keys?.delete(key);
        if (keys?.size === 0) byPlace.delete(place);
      }
      for (const place of places) byPlace.set(place, (byPlace.get(place) ?? new Set()).add(key));
      if (places.length === 0) byKey.delete(key);
      else byKey.set(key, places);
    },
    of: (place) => byPlace.get(place) ?? [],
  };
}

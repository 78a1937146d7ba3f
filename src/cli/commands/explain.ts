import { kinds } from "../../kube/kinds.ts";
import type { KubeEvent } from "../../kube/objects.ts";
import type { CanaryObject } from "../canaryObject.ts";
import { findCanary, parseReference, withCluster } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import type { Call } from "../command.ts";
import { exitCodes } from "../exitCodes.ts";
import { paintFor } from "../paint.ts";
import type { Paint } from "../paint.ts";
import { podCounts } from "../podCounts.ts";
import type { PodCount } from "../picture.ts";

/** A rule as `npm run generate` writes it down. */
interface Rule {
  readonly name: string;
  readonly part: string;
  readonly does: string;
}

/** Tells why a Canary stands where it stands. */
export async function run(call: Call): Promise<number> {
  const { options, world } = call;
  return withCluster(call, async (cluster) => {
    const canary = await findCanary(cluster, parseReference(call.args[0] ?? ""));
    const [rules, pods, events] = await Promise.all([
      readRules(),
      podCounts(cluster, canary),
      eventsOf(cluster, canary),
    ]);
    const paint = paintFor(world);
    const parts = [
      decided(canary, rules, paint),
      observed(canary, pods),
      events.length === 0 ? [] : ["", paint.strong("before"), ...events.map(eventLine)],
      options.flag("rules")
        ? ["", paint.strong("rules, in the order in which they are asked"), ...ruleLines(canary, rules, paint)]
        : [],
    ];
    world.stdout.write(`${parts.flat().join("\n")}\n`);
    return exitCodes.ok.code;
  });
}

async function readRules(): Promise<readonly Rule[]> {
  return (await import("../rules.json", { with: { type: "json" } })).default;
}

function decided({ metadata, status }: CanaryObject, rules: readonly Rule[], paint: Paint): string[] {
  const { phase = "Initializing", why } = status ?? {};
  const title = `${paint.strong(metadata.name)}  ${phase}`;
  if (why === undefined) return [title, "", "the controller has not looked at it yet"];
  const rank = rules.findIndex(({ name }) => name === why.rule);
  const rule = rules[rank];
  // A newer controller may have rules that this command has not heard of.
  const known = rule === undefined ? "" : `: ${rule.does}`;
  const asked =
    rule === undefined
      ? []
      : [`  asked before  ${rank} of ${rules.length} rules had nothing to say; --rules lists them`];
  return [title, "", `  decided by    ${paint.strong(why.rule)}${known}`, `  it said       ${why.message}`, ...asked];
}

/** What the decision was made from, as far as the status and the cluster tell. */
function observed(
  { metadata, spec, status = {} }: CanaryObject,
  pods: { readonly target: PodCount; readonly primary: PodCount },
): string[] {
  const { rollout, checks = [], conditions = [], targets: [target] = [] } = status;
  const rows: readonly (readonly [string, string])[] = [
    ["canary", `generation ${metadata.generation ?? 0}, of which ${status.observedGeneration ?? 0} was looked at`],
    [
      "target",
      `${spec.targetRef.kind} ${spec.targetRef.name}, generation ${target?.generation ?? "?"}, revision ${target?.revision ?? "?"}, ${countOf(pods.target)}`,
    ],
    ["primary", `revision ${status.promoted?.revision ?? "none"}, ${countOf(pods.primary)}`],
    ...(rollout === undefined ? [] : [["rollout", rolloutText(rollout)] as const]),
    ...checks.map(
      ({ name, verdict, message, readings, failures, lastReading }) =>
        [
          `check`,
          `${name}: ${verdict}, ${message}; ${readings} readings, ${failures} outside the bounds, the last at ${lastReading ?? "no time"}`,
        ] as const,
    ),
    ...checks.flatMap(({ query }) => (query === undefined ? [] : [["", query.replace(/\s+/g, " ").trim()] as const])),
    ...conditions.map(
      ({ type, status: held, reason, message }) => ["condition", `${type}=${held} ${reason}: ${message}`] as const,
    ),
  ];
  return ["", "  it saw", ...rows.map(([name, text]) => `    ${name.padEnd(12)}${text}`)];
}

function countOf({ ready, all }: PodCount): string {
  return `${ready} of ${all} pods ready`;
}

function rolloutText(rollout: NonNullable<NonNullable<CanaryObject["status"]>["rollout"]>): string {
  const { revision, startedAt, weight, effectiveSince, effectBy, withdrawal, paused } = rollout;
  const effect =
    effectiveSince === undefined
      ? "not in effect"
      : `in effect since ${effectiveSince}${effectBy === undefined ? "" : ` by ${effectBy}`}`;
  const more = [
    ...(withdrawal === undefined ? [] : [`taken back: ${withdrawal.message}`]),
    ...(paused === undefined ? [] : [`paused by ${paused.by}`]),
  ];
  return [`revision ${revision} since ${startedAt}`, `weight ${weight} ${effect}`, ...more].join(", ");
}

const SHOWN_EVENTS = 10;

/** The last things that were said about it, the newest last. Events are kept for an hour mostly. */
async function eventsOf({ kube, namespace }: Cluster, { metadata }: CanaryObject): Promise<readonly KubeEvent[]> {
  const fieldSelector = `involvedObject.kind=Canary,involvedObject.name=${metadata.name}`;
  const { items } = await kube.list<KubeEvent>(kinds.event, { namespace, fieldSelector });
  return items.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))).slice(-SHOWN_EVENTS);
}

function timeOf({ series, lastTimestamp, eventTime }: Partial<KubeEvent>): string {
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? "";
}

function eventLine(event: KubeEvent): string {
  return `  ${timeOf(event).slice(11, 19)}  ${event.reason.padEnd(24)} ${event.message}`;
}

function ruleLines({ status }: CanaryObject, rules: readonly Rule[], paint: Paint): string[] {
  const rank = rules.findIndex(({ name }) => name === status?.why?.rule);
  let part = "";
  return rules.flatMap((rule, index) => {
    const heading = rule.part === part ? [] : [`  ${rule.part}`];
    part = rule.part;
    const mark = index === rank ? "▶" : rank < 0 || index > rank ? " " : "·";
    const text = `${mark} ${rule.name.padEnd(24)} ${rule.does}`;
    return [...heading, `    ${index === rank ? paint.strong(text) : index < rank ? paint.faint(text) : text}`];
  });
}

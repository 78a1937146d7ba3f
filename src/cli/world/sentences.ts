import type { Curve } from "../../lib/curve.ts";
import { formatDuration } from "../../lib/time.ts";
import type { Arm } from "./arm.ts";
import type { WorldModel } from "./world.ts";

/** What is assumed of the world, for people. */
export function sentencesOf(world: WorldModel): readonly string[] {
  const { rps, traffic, seed, primary, canary } = world;
  const requests = `${along(traffic, (factor) => `${Number((rps * factor).toPrecision(6))}`)} requests/s`;
  return [
    ...(world.about === "" ? [] : [world.about]),
    `${requests}, drawn at random (seed ${seed}); pods are ready at once and never full, and Jobs succeed`,
    `the version before: ${manner(primary)}; the new one: ${manner(canary)}`,
    ...world.outages.map((outage) => `${during(outage)}: at least ${percent(outage.errorRate)} of all requests fail`),
    ...world.pods.map((trouble) => {
      const which = trouble.count === undefined ? "the pods" : `${trouble.count} of the pods`;
      return `${during(trouble)}: ${which} of the new version are ${trouble.are}`;
    }),
    ...Object.entries(world.values).map(([check, value]) => {
      return `the check ${check} reads ${value === null ? "no data" : along(value, String)}`;
    }),
    ...world.prometheusDown.map((span) => `${during(span)}: Prometheus is down`),
    ...world.actions.map(({ atMinute, action }) => `minute ${atMinute}: somebody asks for ${action}`),
  ];
}

function manner({ errorRate, latency, endpoints, clusterSize, badPods, coldStart }: Arm): string {
  const own = [
    `${along(errorRate, percent)} fail`,
    `half take over ${along(latency.medianMs, formatDuration)}`,
    ...(latency.part === undefined ? [] : [`${percent(latency.part.share)} around ${latency.part.medianMs}ms`]),
  ];
  return [
    ...(endpoints === undefined ? own : [`${endpoints.length} kinds of requests`]),
    ...(clusterSize > 1 ? [`failures in clusters of ${clusterSize}`] : []),
    ...(badPods === undefined ? [] : [`bad pods with ${percent(badPods.share)} of its requests`]),
    ...(coldStart === undefined ? [] : [`cold for ${formatDuration(coldStart.seconds * 1_000)}`]),
  ].join(", ");
}

/** A curve as `0.1% → 20%`. */
function along(curve: Curve, text: (value: number) => string): string {
  const values = (typeof curve === "number" ? [curve] : curve.map(([, value]) => value)).map(text);
  return values.filter((value, index) => value !== values[index - 1]).join(" → ");
}

function during({ fromMinute, toMinute }: { readonly fromMinute: number; readonly toMinute?: number | undefined }) {
  return toMinute === undefined ? `from minute ${fromMinute} on` : `minutes ${fromMinute} to ${toMinute}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

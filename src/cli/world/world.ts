import { z } from "zod";
import { actions } from "../../api/canaryAction.ts";
import { problemsOf } from "../../api/object.ts";
import { arm, curve, outage } from "./arm.ts";

const minute = z.number().min(0);
const span = { fromMinute: minute, toMinute: minute };
const minutesInOrder = (
  { fromMinute, toMinute = Infinity }: { readonly fromMinute: number; readonly toMinute?: number | undefined },
  context: z.RefinementCtx,
): void => {
  if (toMinute > fromMinute) return;
  context.addIssue({ code: "custom", path: ["toMinute"], message: "must be later than fromMinute" });
};

/** What pods of the new version do instead of serving; all of them unless `count` says how many. */
const podTrouble = z.strictObject({
  are: z.enum(["CrashLooping", "Unready"]),
  fromMinute: minute,
  toMinute: minute.optional(),
  count: z.int().min(1).optional(),
});

/** A world file; minutes count from the release. The table in docs/simulate.md says what each field means. */
export const worldSchema = z.strictObject({
  /** For people. */
  about: z.string().default(""),
  /** Requests in a second, to both versions together. */
  rps: z.number().min(0).max(1_000_000).default(100),
  /** Factor on `rps`. */
  traffic: curve().default(1),
  primary: arm.prefault({}),
  canary: arm.prefault({}),
  outages: z.array(outage.extend(span).superRefine(minutesInOrder)).default([]),
  pods: z.array(podTrouble.superRefine(minutesInOrder)).default([]),
  /** What checks with a query of their own read, by their names; null is no data. */
  values: z.record(z.string(), z.union([z.null(), curve({ least: -Infinity })])).default({}),
  /** Nobody answers queries then, and nothing is scraped. */
  prometheusDown: z.array(z.strictObject(span).superRefine(minutesInOrder)).default([]),
  /** What somebody asks of the rollout. */
  actions: z.array(z.strictObject({ atMinute: minute, action: z.enum(actions) })).default([]),
  /** Pods of the workload; as its manifest says when left out. */
  replicas: z.int().min(1).max(1_000).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1),
  /** Not decided by then: the end. */
  maxMinutes: z.number().positive().default(1_440),
});

/** What the world does while a release is simulated. */
export type WorldModel = z.output<typeof worldSchema>;

type Fields = Readonly<Record<string, unknown>>;

export type ParsedWorld =
  { readonly ok: true; readonly model: WorldModel } | { readonly ok: false; readonly problems: readonly string[] };

/** A world of what a file says, and what comes before it. Each problem names its field. */
export function parseWorld(file: unknown, overrides: Fields): ParsedWorld {
  const given = withOverrides(file ?? {}, overrides);
  const parsed = worldSchema.safeParse(isFields(given) ? withInherited(given) : given);
  if (parsed.success) return { ok: true, model: parsed.data };
  const said = problemsOf(parsed.error).map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  return { ok: false, problems: said };
}

/** Fields within fields come together; anything else takes the place of what is there. */
function withOverrides(given: unknown, overrides: Fields): unknown {
  if (!isFields(given)) return given;
  const merged = Object.entries(overrides)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, unknown] => {
      const before = given[key];
      return [key, isFields(value) ? withOverrides(before ?? {}, value) : value];
    });
  return { ...given, ...Object.fromEntries(merged) };
}

/** A release is like the version before it in all that nobody says otherwise. Bad pods and a cold start are its own. */
function withInherited(given: Fields): unknown {
  const { primary = {}, canary = {} } = given;
  if (!isFields(primary) || !isFields(canary)) return given;
  const { errorRate, latency, endpoints, clusterSize } = primary;
  const ownMix = canary["errorRate"] !== undefined || canary["latency"] !== undefined;
  const mix = canary["endpoints"] !== undefined ? {} : { errorRate, latency: latencyLike(latency, canary["latency"]) };
  const kinds = ownMix ? {} : { endpoints };
  const inherited = { clusterSize, ...mix, ...kinds };
  const { latency: own, ...rest } = canary;
  const named = own === undefined || mix.latency !== undefined ? rest : canary;
  return { ...given, canary: defined({ ...inherited, ...named }) };
}

/** The median of one with the spread of the other. */
function latencyLike(primary: unknown, own: unknown): unknown {
  return isFields(primary) && isFields(own) ? { ...primary, ...own } : (own ?? primary);
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { z } from "zod";
import { rememberByText } from "../lib/remember.ts";
import { analysisSchema, judgedByWhat, resolveAnalysis } from "./analysis.ts";
import type { Analysis } from "./analysis.ts";
import { evidenceSchema } from "./evidence.ts";
import type { Evidence } from "./evidence.ts";
import { API_VERSION, objectShape, problemsOf } from "./object.ts";
import type { Metadata, Parsed } from "./object.ts";
import { duration, exactlyOneOf, listMap, objectName, portNumberOrName, withRules } from "./schema.ts";
import type { CelRule } from "./schema.ts";
import { canaryStatusSchema } from "./status.ts";
import type { CanaryStatus } from "./status.ts";
import { previewedByWhat, resolveStrategy, strategySchema } from "./strategy.ts";
import type { Strategy } from "./strategy.ts";

export type { Analysis } from "./analysis.ts";
export type { Check, JudgedCheck } from "./checks/index.ts";
export type { Comparison, ComparisonCheck, Signal } from "./checks/comparison.ts";
export type { PodsCheck } from "./checks/pods.ts";
export type { SaturationBlock, SaturationCheck } from "./checks/saturation.ts";
export type { Slo, SloCheck } from "./checks/slo.ts";
export type { Threshold, ThresholdCheck } from "./checks/threshold.ts";
export type { ProviderRef } from "./query.ts";
export type { AbTest, Mirror, PauseStep, Step, Strategy, WeightStep } from "./strategy.ts";

/** What plug-ins bring into the schema. */
export interface CanaryPlugIns {
  /** Schemas of the blocks under `spec.traffic`, by name; every router brings its own. */
  readonly trafficBlocks: Readonly<Record<string, z.ZodType>>;
  /** The block that `spec.traffic` has, empty, when it is left out. */
  readonly withoutTraffic: string;
  /** Kinds of workloads that can be a target. */
  readonly targetKinds: readonly string[];
  /** What of a spec a router cannot do, as rules over `spec`; for the CRDs alone. */
  readonly trafficRules?: readonly CelRule[];
}

/** How long pods are kept at weight 0 when `traffic.drain` does not say. */
const DEFAULT_DRAIN = "10s";
const SERVICE_NAME = "^[a-z]([-a-z0-9]*[a-z0-9])?$";

function targetRefSchema(kinds: readonly string[]) {
  return withRules(
    z.object({
      apiVersion: z.enum(["apps/v1"]).default("apps/v1").describe("API version of the workload."),
      kind: z.enum(kinds).describe("Kind of the workload."),
      name: withRules(
        z.string().min(1).max(253),
        {
          rule: "self.size() <= 55",
          message: "must have at most 55 characters, since <name>-primary has to be the name of a Service",
        },
        {
          rule: `self.matches('${SERVICE_NAME}')`,
          message:
            "must be a name that a Service can have, since <name>-primary is one: lower-case letters, digits and '-', beginning with a letter",
        },
      ).describe("Name of the workload, in the namespace of the Canary."),
    }),
    {
      rule: "self == oldSelf",
      message: "targetRef cannot be changed; delete this Canary and create another",
      reason: "FieldValueForbidden",
    },
  ).describe(
    "The workload whose changes are rolled out in steps. It runs the new version; `<name>-primary` serves everyone.",
  );
}

const autoscalerRef = z
  .object({
    kind: z
      .enum(["HorizontalPodAutoscaler", "ScaledObject"])
      .describe("Kind of the autoscaler; ScaledObject is KEDA's."),
    name: objectName().describe("Name of the autoscaler, in the namespace of the Canary."),
  })
  .describe(
    "The autoscaler of the target. Left out: the one that scales it, if there is any. The primary gets a copy of it.",
  );

const port = z.int().min(1).max(65535);

const service = withRules(
  z.object({
    port: port.optional().describe("Port of the Services."),
    targetPort: portNumberOrName().optional().describe("Port of the pods, by number or by name. Left out: `port`."),
    ports: listMap(
      z
        .array(
          z.object({
            name: withRules(z.string().min(1).max(63), {
              rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
              message: "must be lower-case letters, digits and '-', such as http",
            }).describe("Name of the port."),
            port: port.describe("Port of the Services."),
            targetPort: portNumberOrName()
              .optional()
              .describe("Port of the pods, by number or by name. Left out: `port`."),
            protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP").describe("Transport protocol."),
            appProtocol: z
              .string()
              .min(1)
              .max(253)
              .optional()
              .describe("Application protocol, such as kubernetes.io/h2c."),
          }),
        )
        .min(1)
        .max(16),
      "name",
    )
      .optional()
      .describe("Several ports, each with a name. Routes use the first."),
  }),
  {
    rule: "has(self.port) != has(self.ports)",
    message: "choose exactly one of port, ports",
    messageExpression: "'choose exactly one of port, ports; found ' + (has(self.port) ? 'port ports' : 'none')",
  },
  {
    rule: "!has(self.targetPort) || has(self.port)",
    message: "belongs to port; with ports, every port has a targetPort of its own",
    fieldPath: ".targetPort",
  },
).describe("Ports of the apex, primary and canary Services. Left out: the container ports of the target.");

function trafficSchema(blocks: CanaryPlugIns["trafficBlocks"]) {
  const optional = Object.fromEntries(Object.entries(blocks).map(([name, schema]) => [name, schema.optional()]));
  return withRules(
    z.object({
      settle: duration({ min: "0s", max: "10m" })
        .optional()
        .describe("How long the data plane takes to follow a change of weight. Left out: what is usual for it."),
      drain: duration({ min: "0s", max: "1h" })
        .default(DEFAULT_DRAIN)
        .describe("How long pods are kept at weight 0 for the requests that are still under way."),
      evidence: evidenceSchema.optional(),
      ...(optional as Record<never, never>),
    }),
    exactlyOneOf(Object.keys(blocks)),
  ).describe(
    "How traffic is split between the primary and the canary: exactly one block. Left out: no router, the endpoints of " +
      "the apex Service make the weight.",
  );
}

/** Schema of `spec` with what the plug-ins bring in it. */
export function canarySpecSchema({
  trafficBlocks,
  targetKinds,
  trafficRules = [],
}: Omit<CanaryPlugIns, "withoutTraffic">) {
  const spec = z
    .object({
      targetRef: targetRefSchema(targetKinds),
      autoscalerRef: autoscalerRef.optional(),
      service: service.optional(),
      traffic: trafficSchema(trafficBlocks).optional(),
      strategy: strategySchema.optional(),
      analysis: analysisSchema.prefault({}).describe("How the new version is judged."),
      progressDeadlineSeconds: z
        .int()
        .min(1)
        .max(86_400)
        .default(600)
        .describe("The canary's pods must be ready within so many seconds, or the rollout is taken back."),
      idleReplicas: z
        .int()
        .min(0)
        .max(1_000)
        .default(0)
        .describe(
          "Pods that the target keeps while nothing is rolled out. They get no traffic but through `<name>-canary`. A revision that was rolled back gets none.",
        ),
      keepPreviousFor: duration({ min: "1m", max: "168h" })
        .optional()
        .describe(
          "How long after a promotion the pods of the version before are kept, as `<name>-previous` with the primary's size, so that a CanaryAction `Rollback` brings that version back at once. Left out: not at all.",
        ),
      onDelete: z
        .enum(["Restore", "Keep"])
        .default("Restore")
        .describe(
          "What happens when the Canary is deleted: Restore hands the traffic back to the target, Keep leaves all as it is.",
        ),
      suspend: z
        .boolean()
        .default(false)
        .describe("Freezes: the weight is kept, no step is taken and no rollout is started. Abort still works."),
      trackConfiguration: z
        .boolean()
        .default(true)
        .describe(
          "Whether the ConfigMaps and Secrets that the pods refer to are part of the revision, and copied for the primary.",
        ),
      allowUnsafe: z
        .boolean()
        .default(false)
        .describe(
          "Accepts a target that cannot run twice without risk: Recreate, ReadWriteOnce volumes, host ports or network.",
        ),
    })
    .describe("What is wanted.");
  return withRules(
    spec,
    ...judgedByWhat,
    previewedByWhat,
    ...trafficRules,
    {
      rule: "!has(self.keepPreviousFor) || self.targetRef.name.size() <= 54",
      message:
        "needs a target whose name has at most 54 characters, since <name>-previous has to be the name of a Service",
      fieldPath: ".keepPreviousFor",
    },
    {
      rule: "!has(self.keepPreviousFor) || self.targetRef.kind != 'StatefulSet'",
      message: "is not for a StatefulSet: its pods of the version before would have empty volumes",
      fieldPath: ".keepPreviousFor",
    },
  );
}

/** `spec.traffic` with its one block named. */
export interface Traffic {
  readonly settle?: string;
  readonly drain: string;
  readonly evidence?: Evidence;
  /** Name of the router, which is the key of the block. */
  readonly router: string;
  /** The block as the router's schema gives it, defaults filled in. */
  readonly block: unknown;
}

type StoredSpec = z.output<ReturnType<typeof canarySpecSchema>>;
export type ServiceSpec = NonNullable<StoredSpec["service"]>;

/** `spec` with defaults filled in and choices resolved. */
export interface CanarySpec extends Omit<StoredSpec, "traffic" | "strategy" | "analysis"> {
  readonly traffic: Traffic;
  readonly strategy: Strategy;
  readonly analysis: Analysis;
}

export interface Canary {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Canary";
  readonly metadata: Metadata;
  readonly spec: CanarySpec;
  readonly status?: CanaryStatus;
}

/**
 * A parser for stored objects. Defaults come out as the API server would fill them in, so that an object that was
 * stored before a default existed still works. What only CEL rules say is not checked again, except where the
 * result could not be typed otherwise.
 */
export function canaryParser(plugIns: CanaryPlugIns): (object: unknown) => Parsed<"canary", Canary> {
  const outer = objectShape("Canary").extend({ spec: z.unknown(), status: canaryStatusSchema.optional() });
  const schema = z.object({ spec: canarySpecSchema(plugIns) });
  // A status changes many times for one spec, and reading the spec is half of the work.
  const specIn = rememberByText(SPECS, (text): Parsed<"spec", CanarySpec> => {
    const parsed = schema.safeParse(JSON.parse(text));
    if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
    const spec = resolve(parsed.data.spec, plugIns);
    return typeof spec === "string" ? { ok: false, problems: [{ path: "spec", message: spec }] } : { ok: true, spec };
  });
  return (object) => {
    const parsed = outer.safeParse(object);
    if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
    const { metadata, spec, status } = parsed.data;
    const read = specIn(JSON.stringify({ spec }));
    if (!read.ok) return read;
    const canary = { apiVersion: API_VERSION, kind: "Canary", metadata, spec: read.spec } as const;
    return { ok: true, canary: status === undefined ? canary : { ...canary, status } };
  };
}

/** Specs that are remembered as they were read, some kilobytes each. */
const SPECS = 2_048;

/** The typed spec, or the sentence that says which choice is not made. */
function resolve(spec: StoredSpec, plugIns: CanaryPlugIns): CanarySpec | string {
  const traffic = resolveTraffic(spec.traffic, plugIns);
  if (typeof traffic === "string") return traffic;
  const strategy = resolveStrategy(spec.strategy);
  if (typeof strategy === "string") return strategy;
  const analysis = resolveAnalysis(spec.analysis);
  if (typeof analysis === "string") return analysis;
  return { ...spec, traffic, strategy, analysis };
}

function resolveTraffic(
  stored: StoredSpec["traffic"],
  { trafficBlocks, withoutTraffic }: CanaryPlugIns,
): Traffic | string {
  if (stored === undefined) return { drain: DEFAULT_DRAIN, router: withoutTraffic, block: {} };
  const { settle, drain, evidence, ...rest } = stored;
  const names = Object.keys(trafficBlocks);
  const present = Object.entries(rest).filter(([name, block]) => names.includes(name) && block !== undefined);
  const [only, second] = present;
  if (only === undefined || second !== undefined) return `traffic: choose exactly one of ${names.join(", ")}`;
  return {
    ...(settle === undefined ? {} : { settle }),
    ...(evidence === undefined ? {} : { evidence }),
    drain,
    router: only[0],
    block: only[1],
  };
}

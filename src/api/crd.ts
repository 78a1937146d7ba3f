import type { z } from "zod";
import { analysisTemplateSpecSchema } from "./analysisTemplate.ts";
import { canarySpecSchema } from "./canary.ts";
import type { CanaryPlugIns } from "./canary.ts";
import { canaryActionSpecSchema, canaryActionStatusSchema } from "./canaryAction.ts";
import { metricProviderSpecSchema } from "./metricProvider.ts";
import type { MetricBlocks } from "./metricProvider.ts";
import { canaryStatusSchema } from "./status.ts";
import { toStructural } from "./structural.ts";
import type { Structural } from "./structural.ts";

const GROUP = "aviary.dev";
const VERSION = "v1beta1";

/** A column of `kubectl get`; priority 1 is shown with `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: 1;
}

/** What a kind is, beside its fields. */
interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status?: z.ZodType;
  readonly columns: readonly PrinterColumn[];
}

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: "Namespaced" | "Cluster";
    readonly versions: readonly [CrdVersion];
  };
}

interface CrdVersion {
  readonly name: string;
  readonly served: true;
  readonly storage: true;
  readonly subresources?: { readonly status: Readonly<Record<string, never>> };
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly schema: { readonly openAPIV3Schema: Structural };
}

const age: PrinterColumn = {
  name: "AGE",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since it was created.",
};

/** Names of objects become values of labels, which hold 63 characters. */
const NAME: Structural = {
  type: "object",
  properties: { name: { type: "string", maxLength: 63 } },
};

/** The CRDs of Aviary, with the blocks of the plug-ins in them. */
export function customResourceDefinitions(plugins: CanaryPlugIns & MetricBlocks): readonly CustomResourceDefinition[] {
  return [canary(plugins), canaryAction, ...metricProviders(plugins), ...analysisTemplates].map(definition);
}

function canary(plugIns: CanaryPlugIns): KindDefinition {
  const column = (name: string, jsonPath: string, description: string) =>
    ({ name, type: "string", jsonPath, description }) as const;
  return {
    kind: "Canary",
    plural: "canaries",
    shortNames: ["cn"],
    categories: ["aviary", "all"],
    namespaced: true,
    description: "A workload whose changes are rolled out in steps, judged at every step, and promoted or rolled back.",
    spec: canarySpecSchema(plugIns),
    status: canaryStatusSchema.describe("What is. Written by the controller only."),
    columns: [
      column("PHASE", ".status.phase", "What it is doing."),
      { ...column("WEIGHT", ".status.weight", "Percent of requests that go to the canary."), type: "integer" },
      column("STEP", ".status.step", "Current step of all steps."),
      column("WHY", ".status.why.message", "Why it is in this state."),
      { ...column("TARGET", ".spec.targetRef.name", "The workload."), priority: 1 },
      { ...column("PROMOTED", ".status.promoted.images[0]", "The image that serves everyone."), priority: 1 },
      { ...column("REVISION", ".status.promoted.revision", "The revision that serves everyone."), priority: 1 },
      { ...column("READY", '.status.conditions[?(@.type=="Ready")].status', "Whether it is at rest."), priority: 1 },
      age,
    ],
  };
}

const canaryAction: KindDefinition = {
  kind: "CanaryAction",
  plural: "canaryactions",
  shortNames: ["cna"],
  categories: ["aviary"],
  namespaced: true,
  description: "What a person or CI asks of a rollout. An object of its own, so that Git never reverts it.",
  spec: canaryActionSpecSchema,
  status: canaryActionStatusSchema,
  columns: [
    { name: "CANARY", type: "string", jsonPath: ".spec.canaryRef.name", description: "The Canary that is meant." },
    { name: "ACTION", type: "string", jsonPath: ".spec.action", description: "What is asked." },
    { name: "PHASE", type: "string", jsonPath: ".status.phase", description: "What became of it." },
    { name: "MESSAGE", type: "string", jsonPath: ".status.message", description: "What was done, or why not." },
    { name: "BY", type: "string", jsonPath: ".spec.requestedBy", description: "Who asks.", priority: 1 },
    { name: "REASON", type: "string", jsonPath: ".spec.reason", description: "Why it is asked.", priority: 1 },
    age,
  ],
};

function metricProviders(blocks: MetricBlocks): readonly KindDefinition[] {
  const spec = metricProviderSpecSchema(blocks);
  const common = { categories: ["aviary"], spec, columns: [age] };
  return [
    {
      ...common,
      kind: "MetricProvider",
      plural: "metricproviders",
      namespaced: true,
      description: "A metrics back-end for the checks of its namespace, with credentials from Secrets beside it.",
    },
    {
      ...common,
      kind: "ClusterMetricProvider",
      plural: "clustermetricproviders",
      namespaced: false,
      description:
        "A metrics back-end for the checks of all namespaces. The one named `default` answers checks that name none.",
    },
  ];
}

const templateColumns: readonly PrinterColumn[] = [
  { name: "CHECKS", type: "string", jsonPath: ".spec.checks[*].name", description: "Its checks." },
  { name: "ARGS", type: "string", jsonPath: ".spec.args[*].name", description: "What a Canary may say." },
  age,
];

const analysisTemplates: readonly KindDefinition[] = [
  {
    kind: "AnalysisTemplate",
    plural: "analysistemplates",
    categories: ["aviary"],
    namespaced: true,
    spec: analysisTemplateSpecSchema,
    columns: templateColumns,
    description: "Checks that the Canaries of a namespace share.",
  },
  {
    kind: "ClusterAnalysisTemplate",
    plural: "clusteranalysistemplates",
    categories: ["aviary"],
    namespaced: false,
    spec: analysisTemplateSpecSchema,
    columns: templateColumns,
    description: "Checks that the Canaries of all namespaces share.",
  },
];

function definition(kind: KindDefinition): CustomResourceDefinition {
  const { plural, shortNames, categories, namespaced } = kind;
  const singular = kind.kind.toLowerCase();
  const names = { kind: kind.kind, listKind: `${kind.kind}List`, plural, singular };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { ...names, ...(shortNames === undefined ? {} : { shortNames }), categories },
      scope: namespaced ? "Namespaced" : "Cluster",
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          ...(kind.status === undefined ? {} : { subresources: { status: {} } }),
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  };
}

function rootSchema({ kind, description, namespaced, spec, status }: KindDefinition): Structural {
  const fields = (name: string, schema: z.ZodType) => toStructural(schema, { path: `${kind}.${name}`, namespaced });
  return {
    description,
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: { description: `Always \`${GROUP}/${VERSION}\`.`, type: "string" },
      kind: { description: `Always \`${kind}\`.`, type: "string" },
      metadata: NAME,
      spec: fields("spec", spec),
      // One writer writes it whole: who owns which of its fields would be a quarter of the object.
      ...(status === undefined ? {} : { status: { ...fields("status", status), "x-kubernetes-map-type": "atomic" } }),
    },
  };
}

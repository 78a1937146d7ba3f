import type { BadManifest } from "./manifests.ts";
import { analysisTemplate, canary } from "./manifests.ts";

const withArgument = (fields: Readonly<Record<string, unknown>>) =>
  analysisTemplate({ args: [{ name: "max", ...fields }] });
const uses = (...templates: readonly object[]) => canary({ analysis: { templates } });

/** Templates that fit nobody, and Canaries that use none as they should. */
export const badTemplates: readonly BadManifest[] = [
  {
    name: "a template without checks",
    manifest: analysisTemplate({ checks: undefined }),
    says: ["spec.checks: Required value"],
  },
  {
    name: "a check of a template with a query that is none",
    manifest: analysisTemplate({ checks: [{ name: "errors", threshold: { query: "", max: 1 } }] }),
    says: ["spec.checks[0].threshold.query: Invalid value", "at least 1 chars long"],
  },
  {
    name: "two checks of one name in a template",
    manifest: analysisTemplate({ checks: [1, 2].map((max) => ({ name: "errors", threshold: { query: "up", max } })) }),
    says: ['spec.checks[1]: Duplicate value: {"name":"errors"}'],
  },
  {
    name: "an argument of no type that there is",
    manifest: withArgument({ type: "Float" }),
    says: [
      'spec.args[0].type: Unsupported value: "Float": supported values: "String", "Number", "Integer", "Duration"',
    ],
  },
  {
    name: "a default that is no number",
    manifest: withArgument({ type: "Number", default: "1 %" }),
    says: ["spec.args[0].default: Invalid value", "the default of an argument of type Number must be a number"],
  },
  {
    name: "a default that is no whole number",
    manifest: withArgument({ type: "Integer", default: "1.5" }),
    says: ["spec.args[0].default: Invalid value", "must be a whole number"],
  },
  {
    name: "a default that is no duration",
    manifest: withArgument({ type: "Duration", default: "5 minutes" }),
    says: ["spec.args[0].default: Invalid value", "must be a duration"],
  },
  {
    name: "an argument with a dash",
    manifest: analysisTemplate({ args: [{ name: "max-errors" }] }),
    says: ["spec.args[0].name: Invalid value", "must be letters and digits that begin with a letter"],
  },
  {
    name: "an argument for a check that there is not",
    manifest: withArgument({ sets: [{ check: "latency", field: "threshold.max" }] }),
    says: ["spec.args: Invalid value", "an argument sets a field of a check that is not in checks"],
  },
  {
    name: "a field by a path with an index",
    manifest: withArgument({ sets: [{ check: "errors", field: "threshold[0]" }] }),
    says: ["spec.args[0].sets[0].field: Invalid value", "must be the path of a field in a check"],
  },
  {
    name: "a template of an unknown kind",
    manifest: uses({ kind: "AnalysisRun", name: "errors" }),
    says: ['spec.analysis.templates[0].kind: Unsupported value: "AnalysisRun"'],
  },
  {
    name: "a template without a name",
    manifest: uses({}),
    says: ["spec.analysis.templates[0].name: Required value"],
  },
  {
    name: "a number that is not text",
    manifest: uses({ name: "errors", args: [{ name: "max", value: 0.5 }] }),
    says: ["spec.analysis.templates[0].args[0].value: Invalid value", "must be of type string"],
  },
  {
    name: "an argument that is given twice",
    manifest: uses({ name: "errors", args: ["1", "2"].map((value) => ({ name: "max", value })) }),
    says: ['spec.analysis.templates[0].args[1]: Duplicate value: {"name":"max"}'],
  },
  {
    name: "a template for a Canary that is to be unjudged",
    manifest: canary({ analysis: { unjudged: true, templates: [{ name: "errors" }] } }),
    says: ["spec.analysis: Invalid value", "unjudged: true and checks exclude each other"],
  },
];

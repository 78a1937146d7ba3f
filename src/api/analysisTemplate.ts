import { z } from "zod";
import { checkSchema } from "./checks/index.ts";
import { labelName, listMap, objectName, withRules } from "./schema.ts";

const ARGUMENT = "^[a-zA-Z][a-zA-Z0-9]*$";
const NUMBER = "^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$";
const INTEGER = "^[+-]?[0-9]{1,15}$";
const DURATION = "^([0-9]+([.][0-9]+)?(ms|s|m|h))+$";

/** What the text of an argument has to be. */
const types = {
  String: { pattern: undefined, says: "a text" },
  Number: { pattern: NUMBER, says: "a number, such as 0.01" },
  Integer: { pattern: INTEGER, says: "a whole number, such as 3" },
  Duration: { pattern: DURATION, says: "a duration, such as 30s, 5m or 1h30m" },
} as const;

export type ArgumentType = keyof typeof types;

function argumentName() {
  return withRules(z.string().min(1).max(63), {
    rule: `self.matches('${ARGUMENT}')`,
    message: "must be letters and digits that begin with a letter, such as maxErrors",
  });
}

const argumentValue = () => z.string().max(1024);

const defaultFits = Object.entries(types).flatMap(([type, { pattern, says }]) => {
  if (pattern === undefined) return [];
  const rule = `!has(self.default) || self.type != '${type}' || self.default.matches('${pattern}')`;
  return [{ rule, message: `the default of an argument of type ${type} must be ${says}`, fieldPath: ".default" }];
});

const argument = withRules(
  z.object({
    name: argumentName().describe("Name; a query uses it as `{{ args.NAME }}`."),
    type: z.enum(["String", "Number", "Integer", "Duration"]).default("String").describe("What a value has to be."),
    description: z.string().max(1024).optional().describe("What it means, for whoever uses the template."),
    default: argumentValue().optional().describe("The value when a Canary gives none."),
    sets: z
      .array(
        z
          .object({
            check: labelName().describe("Name of a check of this template."),
            field: withRules(z.string().min(1).max(128), {
              rule: "self.matches('^[a-zA-Z]+([.][a-zA-Z]+)*$')",
              message: "must be the path of a field in a check, such as threshold.max",
            }).describe("Path of the field in the check, such as `threshold.max`."),
          })
          .describe("A field of a check."),
      )
      .min(1)
      .max(20)
      .optional()
      .describe("Fields of checks that get the value. Without a value they stay as the template has them."),
  }),
  ...defaultFits,
);

/** `spec` of both AnalysisTemplate and ClusterAnalysisTemplate. */
export const analysisTemplateSpecSchema = withRules(
  z.object({
    args: listMap(z.array(argument.describe("An argument.")).min(1).max(20), "name")
      .optional()
      .describe("What a Canary says to fit the checks to it."),
    checks: listMap(z.array(checkSchema.describe("A check.")).min(1).max(20), "name").describe(
      "Checks, as in a Canary. In every text of them `{{ args.NAME }}` is replaced by the argument.",
    ),
  }),
  {
    rule: "!has(self.args) || self.args.all(arg, !has(arg.sets) || arg.sets.all(set, self.checks.exists(check, check.name == set.check)))",
    message: "an argument sets a field of a check that is not in checks",
    fieldPath: ".args",
  },
).describe("Checks that Canaries share, and what they may say about them.");

/** An element of `spec.analysis.templates` of a Canary. */
export const templateUse = z
  .object({
    kind: z
      .enum(["AnalysisTemplate", "ClusterAnalysisTemplate"])
      .default("AnalysisTemplate")
      .describe("Kind of the template."),
    name: objectName().describe("Name of the template; an AnalysisTemplate is in the namespace of the Canary."),
    prefix: labelName()
      .optional()
      .describe("Stands before the names of its checks, as in `PREFIX-errors`, so that a template can be used twice."),
    args: listMap(
      z
        .array(
          z
            .object({
              name: argumentName().describe("Name of the argument."),
              value: argumentValue().describe("Its value, as text."),
            })
            .describe("An argument."),
        )
        .min(1)
        .max(20),
      "name",
    )
      .optional()
      .describe("What the template asks for."),
  })
  .describe("A template, and what it is told.");

export type AnalysisTemplateSpec = z.output<typeof analysisTemplateSpecSchema>;
export type TemplateUse = z.output<typeof templateUse>;

/** Whether a text can be a value of a type, and what it would have to be. */
export function faultOfValue(type: ArgumentType, value: string): string | undefined {
  const { pattern, says } = types[type];
  return pattern === undefined || new RegExp(pattern).test(value) ? undefined : `has to be ${says}`;
}

/** A value as it stands in a field: numbers are no texts there. */
export function typedValue(type: ArgumentType, value: string): string | number {
  return type === "Number" || type === "Integer" ? Number(value) : value;
}

import { withLabel } from "../../labels.ts";
import { compilePattern, PatternError } from "../../pattern.ts";
import { executionError } from "../error.ts";
import { vector, type Value } from "../value.ts";
import { define, stringArg, vectorArg, type CallInput, type FunctionTable } from "./definition.ts";

/** Functions that write labels. */
export const RELABEL_FUNCTIONS: FunctionTable = {
  label_replace: define({ params: ["vector", "string", "string", "string", "string"] }, replaceLabel),
  label_join: define({ params: ["vector", "string", "string", "string"], optional: 1, variadic: true }, joinLabels),
};

function replaceLabel(input: CallInput): Value {
  const target = targetLabel(input);
  const [replacement, source, pattern] = [stringArg(input, 2), stringArg(input, 3), stringArg(input, 4)];
  const expression = compile(input, pattern);
  const samples = vectorArg(input, 0).map((sample) => {
    const match = expression.exec(sample.labels[source] ?? "");
    if (match === null) return sample;
    return { ...sample, labels: withLabel(sample.labels, target, expand(replacement, match)) };
  });
  return vector(samples);
}

/** Go's template syntax: `$1`, `$name`, `${1}`, `$$`; an unknown group is empty, the longest name wins. */
function expand(template: string, match: RegExpExecArray): string {
  return template.replace(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (_whole, dollar?: string, plain?: string, braced?: string) => {
    if (dollar !== undefined) return "$";
    const name = plain ?? braced ?? "";
    return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? "";
  });
}

function joinLabels(input: CallInput): Value {
  const target = targetLabel(input);
  const separator = stringArg(input, 2);
  const sources = input.args.slice(3).map((_arg, index) => stringArg(input, index + 3));
  const samples = vectorArg(input, 0).map((sample) => {
    const joined = sources.map((source) => sample.labels[source] ?? "").join(separator);
    return { ...sample, labels: withLabel(sample.labels, target, joined) };
  });
  return vector(samples);
}

function targetLabel(input: CallInput): string {
  const name = stringArg(input, 1);
  if (name === "") {
    throw executionError(input.call.position, `invalid destination label name in ${input.call.name}(): ""`);
  }
  return name;
}

function compile(input: CallInput, pattern: string): RegExp {
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw executionError(input.call.position, `invalid regular expression in label_replace(): ${error.message}`);
  }
}

import type { Sink } from "./command.ts";

/** Prints an object for machines. */
export async function printObject(stdout: Sink, format: "json" | "yaml", object: unknown): Promise<void> {
  if (format === "json") {
    stdout.write(`${JSON.stringify(object, null, 2)}\n`);
    return;
  }
  const { stringify } = await import("yaml");
  stdout.write(stringify(object));
}

/** `-o json` and `-o yaml`; undefined for what is meant for people. */
export function objectFormat(wanted: string | undefined): "json" | "yaml" | undefined {
  return wanted === "json" || wanted === "yaml" ? wanted : undefined;
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";

interface Stage {
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

/** What a pod's template may carry to change what becomes of the pod; `stages/` says how each behaves. */
export const podBehaviour = {
  /** Label, any value: runs, but is not ready. On a running pod it takes effect at once, both set and taken away. */
  neverReady: "aviary-test/never-ready",
  /** Annotation, a Go duration such as `5s`: ready that long after it was scheduled. */
  readyAfter: "aviary-test/ready-after",
  /** Annotation, `CrashLoopBackOff` or `OOMKilled`. */
  fails: "aviary-test/fails",
} as const;

/**
 * One KWOK configuration of the module's stages, ours, and the given files or folders. A stage replaces an earlier one
 * of the same name.
 */
export function stageConfiguration(moduleStages: string, extra: readonly string[] = []): string {
  const stages = new Map<string, Stage>();
  for (const source of [moduleStages, join(import.meta.dirname, "stages"), ...extra]) {
    for (const stage of readStages(source)) stages.set(stage.metadata.name, withReadyDelay(stage));
  }
  return [...stages.values()].map((stage) => stringify(stage)).join("---\n");
}

function readStages(source: string): Stage[] {
  const files = /\.ya?ml$/.test(source) ? [source] : readdirSync(source).map((name) => join(source, name));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(file, "utf8")).map((document) => {
      if (document.errors[0] !== undefined) throw new Error(`${file}: ${document.errors[0].message}`);
      return document.toJS() as Stage;
    }),
  );
}

function withReadyDelay(stage: Stage): Stage {
  if (stage.metadata.name !== "pod-ready" || "delay" in stage.spec) return stage;
  const expressionFrom = `.metadata.annotations["${podBehaviour.readyAfter}"]`;
  return { ...stage, spec: { ...stage.spec, delay: { durationMilliseconds: 0, durationFrom: { expressionFrom } } } };
}

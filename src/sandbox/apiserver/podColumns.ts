import { arrayOf, at, metaOf, numberOf, objectOf, stringOf } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { Column } from "./tableColumns.ts";
import { containersOf, orNone } from "./tableText.ts";

const statuses = (pod: JsonObject): readonly JsonObject[] =>
  arrayOf(at(pod, "status", "containerStatuses")).map((status) => objectOf(status));

function ready(pod: JsonObject): string {
  const up = statuses(pod).filter((status) => status["ready"] === true).length;
  return `${up}/${containersOf(pod["spec"]).length}`;
}

/** What kubectl shows as STATUS: the reason why a container waits or ended, before the phase. */
function status(pod: JsonObject): string {
  if (metaOf(pod)["deletionTimestamp"] !== undefined) return "Terminating";
  for (const container of statuses(pod)) {
    const waiting = stringOf(at(container, "state", "waiting", "reason"));
    const ended = stringOf(at(container, "state", "terminated", "reason"));
    if (waiting !== "" || ended !== "") return waiting || ended;
  }
  return stringOf(at(pod, "status", "reason")) || stringOf(at(pod, "status", "phase"));
}

function restarts(pod: JsonObject): string {
  return String(statuses(pod).reduce((sum, container) => sum + (numberOf(container["restartCount"]) ?? 0), 0));
}

const column = (name: string, cell: Column["cell"], priority = 0): Column => ({ name, type: "string", priority, cell });

/** Columns of `kubectl get pods`. */
export function podColumns(created: Column): readonly Column[] {
  return [
    column("Ready", ready),
    column("Status", status),
    column("Restarts", restarts),
    created,
    column("IP", (pod) => orNone(stringOf(at(pod, "status", "podIP"))), 1),
    column("Node", (pod) => orNone(stringOf(at(pod, "spec", "nodeName"))), 1),
    column("Nominated Node", () => "<none>", 1),
    column("Readiness Gates", () => "<none>", 1),
  ];
}

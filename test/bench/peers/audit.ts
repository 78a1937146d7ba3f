import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";

/** The API server's own account of who asked it for what. */
export interface Audit {
  readonly apiServerArguments: readonly string[];
  /** Requests of a ServiceAccount that ended between two times (epoch milliseconds), without watches and leases. */
  count(of: ServiceAccount, between: { readonly from: number; readonly to: number }): ReadonlyMap<string, number>;
}

interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
  readonly stageTimestamp: string;
}

/** Writes down the requests of these accounts, without bodies, and nobody else's: it costs the server next to nothing. */
export function auditOf(accounts: readonly ServiceAccount[], folder: string): Audit {
  const policy = join(folder, "audit.yaml");
  const log = join(folder, "audit.log");
  const rules = [{ level: "Metadata", users: accounts.map(userOf) }, { level: "None" }];
  const omitStages = ["RequestReceived", "ResponseStarted"];
  writeFileSync(policy, stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages, rules }));
  return {
    apiServerArguments: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`],
    count: (of, { from, to }) => {
      const counts = new Map<string, number>();
      for (const line of readFileSync(log, "utf8").split("\n").filter(Boolean)) {
        const event = JSON.parse(line) as AuditEvent;
        const at = Date.parse(event.stageTimestamp);
        const { resource = "", subresource } = event.objectRef ?? {};
        if (event.user.username !== userOf(of) || at < from || at > to) continue;
        if (event.verb === "watch" || resource === "leases") continue;
        const what = `${event.verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`;
        counts.set(what, (counts.get(what) ?? 0) + 1);
      }
      return counts;
    },
  };
}

function userOf({ namespace, name }: ServiceAccount): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

import { randomUUID } from "node:crypto";
import type { FieldValidation } from "./decode.ts";
import type { JsonObject } from "./json.ts";
import { createOwnerIndex } from "./owners.ts";
import type { OwnerIndex } from "./owners.ts";
import { createRegistry } from "./resources.ts";
import type { Registry } from "./resources.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface ApiServerOptions {
  /** Milliseconds since the epoch; tests and simulations give their own clock. */
  readonly now?: () => number;
  readonly uid?: () => string;
  /** Changes remembered for each kind; default 10 000. */
  readonly historySize?: number;
  /** Namespaces that exist from the start, beside `default` and `kube-system`. */
  readonly namespaces?: readonly string[];
}

/** What every operation of the API server works on. */
export interface Context {
  readonly store: Store;
  readonly registry: Registry;
  readonly owners: OwnerIndex;
  readonly now: () => number;
  readonly uid: () => string;
  /** Cluster addresses given to Services so far. */
  readonly counters: { services: number; names: number };
}

export function createContext(options: ApiServerOptions): Context {
  return {
    store: createStore(options.historySize === undefined ? {} : { historySize: options.historySize }),
    registry: createRegistry(),
    owners: createOwnerIndex(),
    now: options.now ?? Date.now,
    uid: options.uid ?? randomUUID,
    counters: { services: 0, names: 0 },
  };
}

/** Now, as Kubernetes writes it: RFC 3339 with whole seconds. */
export function timestamp(context: Context): string {
  return `${new Date(context.now()).toISOString().slice(0, 19)}Z`;
}

export interface Ref {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  /** Default Warn, as the real server's. */
  readonly fieldValidation?: FieldValidation;
  readonly subresource?: string | undefined;
  /** What is created is known to be valid: definitions that come with Aviary, whose rules take long to compile. */
  readonly trusted?: boolean;
}

export interface Written {
  readonly object: JsonObject;
  readonly warnings: readonly string[];
  /** Whether an apply made the object. */
  readonly created: boolean;
}

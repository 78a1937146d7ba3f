import type { RolloutOutcome, Verdict } from "../../api/status.ts";

/** Requests and errors of one version. */
export interface VersionTraffic {
  readonly requests: number;
  /** Answers of 500 and above that the application gave. */
  readonly errors: number;
}

/** How a rollout of the demo ended. */
export interface DemoRollout {
  readonly revision: string;
  readonly outcome: RolloutOutcome;
  /** What the pods call themselves. */
  readonly version: string;
  readonly seconds: number;
  readonly why: string;
}

export interface DemoSummary {
  /** Whether all was as it must be: good promoted, bad rolled back, no request failed by the gateway. */
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly rollouts: readonly DemoRollout[];
  readonly requests: number;
  readonly failedByGateway: number;
  readonly byVersion: Readonly<Record<string, VersionTraffic>>;
  readonly seconds: number;
}

/** Something that the demo shows. What it says of canaries comes from the API alone. */
export type DemoEvent =
  | {
      readonly type: "started";
      readonly kubeconfig: string;
      readonly gateway: string;
      readonly prometheus: string;
    }
  | { readonly type: "applied"; readonly objects: readonly string[] }
  | { readonly type: "released"; readonly version: string; readonly expectation: "good" | "bad" }
  | { readonly type: "phase"; readonly phase: string }
  | { readonly type: "weight"; readonly weight: number; readonly step?: string }
  | {
      readonly type: "check";
      readonly name: string;
      readonly verdict: Verdict;
      readonly message: string;
      readonly value?: number;
    }
  | { readonly type: "why"; readonly rule: string; readonly message: string }
  | { readonly type: "event"; readonly kind: "Normal" | "Warning"; readonly reason: string; readonly note: string }
  /** The last second of traffic: what was counted, and the weight that the status told. */
  | {
      readonly type: "traffic";
      readonly weight: number;
      readonly byVersion: Readonly<Record<string, VersionTraffic>>;
      readonly errorShare: number;
      readonly failedByGateway: number;
    }
  | ({ readonly type: "outcome" } & DemoRollout);

/** Shows events as they happen. `seconds` count from the start of the demo. */
export interface DemoView {
  show(event: DemoEvent, seconds: number): void;
  summary(summary: DemoSummary): void;
  /** Says why the demo could not go on. */
  failure(message: string): void;
}

import type { BadManifest } from "./manifests.ts";
import { canary, canaryWith } from "./manifests.ts";

const badTargets: readonly BadManifest[] = [
  {
    name: "a Canary without a target",
    manifest: canary({ targetRef: undefined }),
    says: ["spec.targetRef: Required value"],
  },
  {
    name: "a target of an unknown kind",
    manifest: canaryWith.target({ kind: "Rollout" }),
    says: [
      'spec.targetRef.kind: Unsupported value: "Rollout": supported values: "Deployment", "DaemonSet", "StatefulSet"',
    ],
  },
  {
    name: "a target of another API",
    manifest: canaryWith.target({ apiVersion: "apps/v1beta1" }),
    says: ['spec.targetRef.apiVersion: Unsupported value: "apps/v1beta1": supported values: "apps/v1"'],
  },
  {
    name: "a target without a name",
    manifest: canaryWith.target({ name: undefined }),
    says: ["spec.targetRef.name: Required value"],
  },
  {
    name: "a target with an empty name",
    manifest: canaryWith.target({ name: "" }),
    says: ["spec.targetRef.name: Invalid value", "at least 1 chars long"],
  },
  {
    name: "a target whose primary could not be named",
    manifest: canaryWith.target({ name: "a".repeat(56) }),
    says: [
      "spec.targetRef.name: Invalid value",
      "must have at most 55 characters, since <name>-primary has to be the name of a Service",
    ],
  },
  {
    name: "a target whose primary could not be a Service",
    manifest: canaryWith.target({ name: "2048.game" }),
    says: ['spec.targetRef.name: Invalid value: "2048.game": must be a name that a Service can have'],
  },
  {
    name: "another target",
    before: canary(),
    manifest: canaryWith.target({ name: "other" }),
    says: ["spec.targetRef: Forbidden: targetRef cannot be changed; delete this Canary and create another"],
  },
  {
    name: "a name that no label can hold",
    manifest: canary({}, "a".repeat(64)),
    says: ["metadata.name: Too long: may not be more than 63"],
  },
];

const badCapacity: readonly BadManifest[] = [
  {
    name: "an autoscaler of an unknown kind",
    manifest: canary({ autoscalerRef: { kind: "VerticalPodAutoscaler", name: "podinfo" } }),
    says: [
      'spec.autoscalerRef.kind: Unsupported value: "VerticalPodAutoscaler": supported values: "HorizontalPodAutoscaler", "ScaledObject"',
    ],
  },
  {
    name: "an autoscaler without a name",
    manifest: canary({ autoscalerRef: { kind: "ScaledObject" } }),
    says: ["spec.autoscalerRef.name: Required value"],
  },
  {
    name: "fewer idle replicas than none",
    manifest: canary({ idleReplicas: -1 }),
    says: ["spec.idleReplicas: Invalid value: -1", "greater than or equal to 0"],
  },
];

const badServices: readonly BadManifest[] = [
  {
    name: "a service without a port",
    manifest: canary({ service: {} }),
    says: ["spec.service: Invalid value: choose exactly one of port, ports; found none"],
  },
  {
    name: "a service with both port and ports",
    manifest: canary({ service: { port: 80, ports: [{ name: "http", port: 80 }] } }),
    says: ["spec.service: Invalid value: choose exactly one of port, ports; found port ports"],
  },
  {
    name: "a port out of range",
    manifest: canary({ service: { port: 65536 } }),
    says: ["spec.service.port: Invalid value: 65536", "less than or equal to 65535"],
  },
  {
    name: "a target port beside ports",
    manifest: canary({ service: { targetPort: 80, ports: [{ name: "http", port: 80 }] } }),
    says: [
      "spec.service.targetPort: Invalid value",
      "belongs to port; with ports, every port has a targetPort of its own",
    ],
  },
  {
    name: "a target port out of range",
    manifest: canary({ service: { port: 80, targetPort: 0 } }),
    says: [
      "spec.service.targetPort: Invalid value: 0: must be a port number from 1 to 65535 or the name of a container's port",
    ],
  },
  {
    name: "a target port that is no name",
    manifest: canary({ service: { port: 80, targetPort: "Http Port" } }),
    says: ["spec.service.targetPort: Invalid value", "should match"],
  },
  {
    name: "two ports of one name",
    manifest: canary({
      service: {
        ports: [
          { name: "http", port: 80 },
          { name: "http", port: 81 },
        ],
      },
    }),
    says: ['spec.service.ports[1]: Duplicate value: {"name":"http"}'],
  },
  {
    name: "an application protocol as transport",
    manifest: canary({ service: { ports: [{ name: "http", port: 80, protocol: "HTTP" }] } }),
    says: ['spec.service.ports[0].protocol: Unsupported value: "HTTP": supported values:', '"TCP"'],
  },
  {
    name: "a port without a name in a list",
    manifest: canary({ service: { ports: [{ port: 80 }] } }),
    says: ["spec.service.ports[0].name: Required value"],
  },
];

const badStrategies: readonly BadManifest[] = [
  {
    name: "a strategy without a block",
    manifest: canary({ strategy: {} }),
    says: ["spec.strategy: Invalid value", "choose exactly one of canary, abTest, blueGreen; found none"],
  },
  {
    name: "a strategy whose block is null",
    manifest: canary({ strategy: { canary: null } }),
    says: ["spec.strategy: Invalid value", "choose exactly one of canary, abTest, blueGreen; found none"],
  },
  {
    name: "two strategies",
    manifest: canary({ strategy: { canary: {}, blueGreen: {} } }),
    says: ["spec.strategy: Invalid value", "choose exactly one of canary, abTest, blueGreen; found canary blueGreen"],
  },
  {
    name: "a preview that asks a check that there is not",
    manifest: canary({ strategy: { blueGreen: { preview: { hold: "1m", checks: ["smoke"] } } } }),
    says: [
      "spec.strategy.blueGreen.preview.checks: Invalid value",
      "names a check that is not in spec.analysis.checks",
    ],
  },
  {
    name: "a preview that asks a check twice",
    manifest: canary({ strategy: { blueGreen: { preview: { hold: "1m", checks: ["errors", "errors"] } } } }),
    says: ["spec.strategy.blueGreen.preview.checks[1]: Duplicate value"],
  },
  {
    name: "a preview without a time",
    manifest: canary({ strategy: { blueGreen: { preview: {} } } }),
    says: ["spec.strategy.blueGreen.preview.hold: Required value"],
  },
  {
    name: "an unknown strategy",
    manifest: canary({ strategy: { rainbow: {} } }),
    says: ['unknown field "spec.strategy.rainbow"'],
  },
  {
    name: "no steps",
    manifest: canaryWith.steps(),
    says: ["spec.strategy.canary.steps: Invalid value: 0", "should have at least 1 items"],
  },
  {
    name: "more steps than fifty",
    manifest: canaryWith.steps(...Array.from({ length: 51 }, () => ({ weight: 5 }))),
    says: ["spec.strategy.canary.steps: Too many: 51: must have at most 50 items"],
  },
  {
    name: "a weight above 100",
    manifest: canaryWith.steps({ weight: 101 }),
    says: ["spec.strategy.canary.steps[0].weight: Invalid value: 101", "less than or equal to 100"],
  },
  {
    name: "a weight below 0",
    manifest: canaryWith.steps({ weight: -1 }),
    says: ["spec.strategy.canary.steps[0].weight: Invalid value: -1", "greater than or equal to 0"],
  },
  {
    name: "half a percent",
    manifest: canaryWith.steps({ weight: 0.5 }),
    says: ["spec.strategy.canary.steps[0].weight: Invalid value", "integer"],
  },
  {
    name: "a weight with a percent sign",
    manifest: canaryWith.steps({ weight: "20%" }),
    says: ["spec.strategy.canary.steps[0].weight: Invalid value", "must be of type integer"],
  },
  {
    name: "an empty step",
    manifest: canaryWith.steps({ weight: 5 }, {}),
    says: ["spec.strategy.canary.steps[1]: Invalid value", "choose exactly one of weight, pause; found none"],
  },
  {
    name: "`pause:` with nothing after it",
    manifest: canaryWith.steps({ pause: null }),
    says: ["spec.strategy.canary.steps[0]: Invalid value", "choose exactly one of weight, pause; found none"],
  },
  {
    name: "a step with both weight and pause",
    manifest: canaryWith.steps({ weight: 5, pause: {} }),
    says: ["spec.strategy.canary.steps[0]: Invalid value", "choose exactly one of weight, pause; found weight pause"],
  },
  {
    name: "a pause with a hold",
    manifest: canaryWith.steps({ pause: {}, hold: "1m" }),
    says: [
      "spec.strategy.canary.steps[0].hold: Invalid value",
      "belongs to weight; a pause lasts until it is approved",
    ],
  },
  {
    name: "a hold in words",
    manifest: canaryWith.steps({ weight: 5, hold: "1 minute" }),
    says: [
      'spec.strategy.canary.steps[0].hold: Invalid value: "1 minute": must be a duration such as 30s, 5m or 1h30m',
    ],
  },
  {
    name: "a hold in days",
    manifest: canaryWith.steps({ weight: 5, hold: "1d" }),
    says: ['spec.strategy.canary.steps[0].hold: Invalid value: "1d": must be a duration such as 30s, 5m or 1h30m'],
  },
  {
    name: "a hold of nothing",
    manifest: canaryWith.steps({ weight: 5, hold: "0s" }),
    says: ['spec.strategy.canary.steps[0].hold: Invalid value: "0s": must be a duration from 1s to 168h'],
  },
  {
    name: "a hold of a month",
    manifest: canaryWith.steps({ weight: 5, hold: "720h" }),
    says: ['spec.strategy.canary.steps[0].hold: Invalid value: "720h": must be a duration from 1s to 168h'],
  },
  {
    name: "a hold as a number",
    manifest: canaryWith.steps({ weight: 5, hold: 60 }),
    says: ["spec.strategy.canary.steps[0].hold: Invalid value", "must be of type string"],
  },
];

const returning = (...returnSteps: readonly object[]) => canary({ strategy: { canary: { returnSteps } } });

const badReturns: readonly BadManifest[] = [
  {
    name: "a return of the traffic without a step",
    manifest: returning(),
    says: ["spec.strategy.canary.returnSteps: Invalid value: 0", "should have at least 1 items"],
  },
  {
    name: "a return that goes up and down",
    manifest: returning({ weight: 50 }, { weight: 75 }),
    says: ["spec.strategy.canary.returnSteps: Invalid value", "weights must go down", "such as 75, 50, 25"],
  },
  {
    name: "a return that begins where it is",
    manifest: returning({ weight: 100 }),
    says: ["spec.strategy.canary.returnSteps[0].weight: Invalid value: 100", "less than or equal to 99"],
  },
  {
    name: "a return in steps of users who are held",
    manifest: canary({ strategy: { canary: { returnSteps: [{ weight: 50 }], sessionAffinity: {} } } }),
    says: ["spec.strategy.canary.returnSteps: Invalid value", "has no use beside sessionAffinity"],
  },
  {
    name: "a return whose hold is a number",
    manifest: returning({ weight: 50, hold: 30 }),
    says: ["spec.strategy.canary.returnSteps[0].hold: Invalid value", "must be of type string"],
  },
];

const badKeeping: readonly BadManifest[] = [
  {
    name: "pods of the version before that are kept for seconds",
    manifest: canary({ keepPreviousFor: "30s" }),
    says: ['spec.keepPreviousFor: Invalid value: "30s": must be a duration from 1m to 168h'],
  },
  {
    name: "pods of the version before that could not be named",
    manifest: canary({ keepPreviousFor: "10m", targetRef: { kind: "Deployment", name: "a".repeat(55) } }),
    says: ["spec.keepPreviousFor: Invalid value", "needs a target whose name has at most 54 characters"],
  },
];

/** Canaries with a target, ports or a strategy that cannot be. */
export const badCanaries: readonly BadManifest[] = [
  ...badTargets,
  ...badCapacity,
  ...badServices,
  ...badStrategies,
  ...badReturns,
  ...badKeeping,
];

import { parse } from "yaml";
import { createApiServer } from "../../../src/sandbox/apiserver/apiServer.ts";
import type { ApiServer, ApiServerOptions } from "../../../src/sandbox/apiserver/apiServer.ts";
import { installDefinitions } from "../../../src/sandbox/apiserver/gatewayApi.ts";
import { at } from "../../../src/sandbox/apiserver/json.ts";
import type { Json, JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import type { Resource } from "../../../src/sandbox/apiserver/resources.ts";
import { ApiError } from "../../../src/sandbox/apiserver/status.ts";

/** A custom resource definition with every kind of rule that Aviary's own use. */
export const BIRD_DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: birds.example.dev }
spec:
  group: example.dev
  scope: Namespaced
  names: { plural: birds, singular: bird, kind: Bird, listKind: BirdList, shortNames: [bd], categories: [all] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources: { status: {}, scale: { specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas } }
    additionalPrinterColumns:
    - { name: Color, type: string, jsonPath: .spec.color }
    - { name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status' }
    - { name: Note, type: string, jsonPath: .spec.note, priority: 1 }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
    schema:
      openAPIV3Schema:
        type: object
        description: A bird.
        required: [spec]
        properties:
          spec:
            type: object
            description: What it is like.
            required: [color]
            x-kubernetes-validations:
            - { rule: "!has(oldSelf.once) || has(self.once)", message: once cannot be removed, fieldPath: .once }
            - { rule: "!has(self.min) || !has(self.max) || self.min <= self.max", message: min must not exceed max }
            properties:
              color: { type: string, enum: [red, green], description: Its colour. }
              note: { type: string, maxLength: 5, pattern: "^[a-z]*$" }
              replicas: { type: integer, minimum: 0, default: 1 }
              min: { type: integer }
              max: { type: integer }
              once: { type: string }
              port: { x-kubernetes-int-or-string: true }
              grown: { type: boolean }
              tags: { type: array, maxItems: 3, x-kubernetes-list-type: set, items: { type: string } }
              labels: { type: object, additionalProperties: { type: string } }
              extra: { type: object, x-kubernetes-preserve-unknown-fields: true }
              hold:
                type: string
                x-kubernetes-validations:
                - { rule: "self.matches('^([0-9]+(ms|s|m|h))+$')", message: "must be a duration such as 30s, 5m or 1h30m" }
              age:
                type: integer
                x-kubernetes-validations:
                - { rule: "!oldSelf.hasValue() || self >= oldSelf.value()", optionalOldSelf: true, message: age never goes back }
              targetRef:
                type: object
                properties: { name: { type: string } }
                x-kubernetes-validations:
                - { rule: self == oldSelf, reason: FieldValueForbidden, message: targetRef cannot be changed }
              strategy:
                type: object
                properties:
                  canary: { type: object, properties: { weight: { type: integer } } }
                  abTest: { type: object }
                  blueGreen: { type: object }
                x-kubernetes-validations:
                - rule: "[has(self.canary), has(self.abTest), has(self.blueGreen)].exists_one(x, x)"
                  messageExpression: "'choose exactly one of canary, abTest, blueGreen; found' + (has(self.canary) ? ' canary' : '') + (has(self.abTest) ? ' abTest' : '') + (has(self.blueGreen) ? ' blueGreen' : '')"
                  message: choose exactly one of canary, abTest, blueGreen
                  reason: FieldValueInvalid
              gates:
                type: array
                maxItems: 3
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties:
                    name: { type: string }
                    kind: { type: string, default: approval }
              steps:
                type: array
                minItems: 1
                items:
                  type: object
                  properties: { weight: { type: integer, maximum: 100 }, hold: { type: string } }
                  x-kubernetes-validations: [{ rule: "has(self.weight) || has(self.hold)", message: a step needs a weight or a hold }]
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
`;

export const SECOND = 1000;

/** An API with the Bird kind, a namespace \`shop\`, and a clock that stands still unless moved. */
export interface TestApi {
  readonly server: ApiServer;
  readonly birds: Resource;
  readonly deployments: Resource;
  readonly clock: { ms: number };
}

export function testApi(options: ApiServerOptions = {}): TestApi {
  const clock = { ms: Date.parse("2026-01-01T00:00:00Z") };
  const server = createApiServer({ namespaces: ["shop"], now: () => clock.ms, ...options });
  installDefinitions(server, [parse(BIRD_DEFINITION) as JsonObject]);
  return {
    server,
    clock,
    birds: server.resource("example.dev", "v1", "birds"),
    deployments: server.resource("apps", "v1", "deployments"),
  };
}

export function bird(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "example.dev/v1", kind: "Bird", metadata: { name: "tit", ...metadata }, spec };
}

export function deployment(spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "app", ...metadata },
    spec: {
      selector: { matchLabels: { app: "app" } },
      template: {
        metadata: { labels: { app: "app" } },
        spec: { containers: [{ name: "web", image: "web:1", ports: [{ containerPort: 80 }] }] },
      },
      ...spec,
    },
  };
}

export const inShop = (name: string) => ({ namespace: "shop", name });

/** What an action was refused with. */
export function refusal(action: () => unknown): ApiError {
  try {
    action();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** The sentences of a refusal, one for each cause. */
export function sentences(action: () => unknown): string[] {
  const { details } = refusal(action).init;
  return (details?.causes ?? []).map((cause) => `${cause.field ?? ""}: ${cause.message}`);
}

export function read(object: Json | undefined, path: string): Json | undefined {
  return at(object, ...path.split("."));
}

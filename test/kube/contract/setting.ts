import { expect } from "vitest";
import { kinds } from "../../../src/kube/kinds.ts";
import type { Ingress } from "../../../src/kube/objects.ts";
import type { Kube, KubeObject, ResourceKind } from "../../../src/kube/port.ts";

/** One implementation of the port, ready to be used. */
export interface KubeHarness {
  readonly kube: Kube;
  /** Makes a namespace that no other test uses, and answers its name. */
  namespace(): Promise<string>;
  /** A resourceVersion from which Ingresses can no longer be watched. */
  expiredVersion(): Promise<string>;
  /** The shortest life of a watch, in seconds, in which the server sends a bookmark. */
  readonly bookmarkSeconds: number;
  close(): Promise<void>;
}

export interface Setting {
  readonly kube: Kube;
  readonly namespace: string;
  readonly harness: KubeHarness;
}
export type SetUp = () => Promise<Setting>;

/** Ingresses: a built-in kind with generation and status that no controller of a bare cluster touches. */
export const kind = kinds.ingress;
export const notServed: ResourceKind = {
  group: "nowhere.example",
  version: "v1",
  kind: "Ghost",
  plural: "ghosts",
  namespaced: true,
};
export const notServedHere: ResourceKind = { ...kinds.deployment, kind: "Ghost", plural: "ghosts" };

export type Labels = Readonly<Record<string, string>>;

export function ingress(
  namespace: string,
  name: string,
  options: { readonly labels?: Labels; readonly className?: string } = {},
): Ingress {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { namespace, name, ...(options.labels === undefined ? {} : { labels: options.labels }) },
    spec: {
      ...(options.className === undefined ? {} : { ingressClassName: options.className }),
      defaultBackend: { service: { name: "podinfo", port: { number: 80 } } },
    },
  };
}

export const namesOf = (objects: readonly KubeObject[]): string[] =>
  objects.map(({ metadata }) => metadata.name).toSorted();
export const versionOf = (object: KubeObject): string =>
  object.metadata.resourceVersion ?? expect.fail("no resourceVersion");

export async function make(setting: Setting, names: readonly string[], labels?: Labels): Promise<Ingress[]> {
  const made: Ingress[] = [];
  for (const name of names) {
    made.push(
      await setting.kube.create(kind, ingress(setting.namespace, name, labels === undefined ? {} : { labels })),
    );
  }
  return made;
}

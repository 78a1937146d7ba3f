import { readdir, readFile } from "node:fs/promises";
import { kinds, pathOf } from "../../kube/kinds.ts";
import type { Deployment } from "../../kube/objects.ts";
import type { KubeObject, ResourceKind } from "../../kube/port.ts";
import { kindNamed } from "../kinds.ts";
import { readManifests } from "../manifests.ts";

/** What a person does with kubectl, over HTTP and under kubectl's name. */
export interface User {
  /** Applies every manifest of a folder, namespaces first. Answers what it applied. */
  applyFolder(folder: URL): Promise<readonly string[]>;
  /** Changes the Deployment to a version. Answers the generation that this made. */
  release(release: Release): Promise<number>;
}

export interface Release {
  readonly version: string;
  /** Share of requests that the version answers 500. */
  readonly errorRate: number;
}

const TARGET = { namespace: "shop", name: "podinfo" };

export function createUser(apiUrl: string): User {
  const patch = async <T>(path: string, contentType: string, body: unknown): Promise<T> => {
    const url = `${apiUrl}${path}?fieldManager=kubectl&force=true`;
    const response = await fetch(url, {
      method: "PATCH",
      headers: { "content-type": contentType },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`PATCH ${path} was refused: ${await response.text()}`);
    return (await response.json()) as T;
  };
  return {
    async applyFolder(folder) {
      const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
      const texts = await Promise.all(files.map((name) => readFile(new URL(name, folder), "utf8")));
      const objects = texts.flatMap(readManifests) as unknown as readonly KubeObject[];
      const ordered = objects.toSorted((a, b) => Number(b.kind === "Namespace") - Number(a.kind === "Namespace"));
      for (const object of ordered) {
        const { name, namespace } = object.metadata;
        await patch(pathOf(kindOf(object), namespace, name), "application/apply-patch+yaml", object);
      }
      return ordered.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    },
    async release({ version, errorRate }) {
      const env = [
        { name: "VERSION", value: version },
        { name: "ERROR_RATE", value: String(errorRate) },
      ];
      const containers = [{ name: TARGET.name, image: `stefanprodan/podinfo:${version}`, env }];
      const { metadata } = await patch<Deployment>(
        pathOf(kinds.deployment, TARGET.namespace, TARGET.name),
        "application/strategic-merge-patch+json",
        { spec: { template: { spec: { containers } } } },
      );
      return metadata.generation ?? 0;
    },
  };
}

function kindOf({ apiVersion, kind }: KubeObject): ResourceKind {
  const known = kindNamed(apiVersion, kind);
  if (known === undefined) throw new Error(`the demo knows no kind ${kind} of ${apiVersion}`);
  return known;
}

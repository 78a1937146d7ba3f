import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { actions } from "../../src/api/canaryAction.ts";
import { readConfig } from "../../src/config.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { WEIGHTS_ANNOTATION } from "../../src/routers/routeWeights.ts";
import {
  documentsIn,
  hasKubectl,
  isKustomization,
  kustomize,
  listFolder,
  manifestsOf,
  readText,
  resourcesOf,
  type Manifest,
} from "./manifests.ts";
import type { Rule } from "./manifests.ts";

const manifests = manifestsOf("deploy");

function find(kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`deploy/ has no ${kind} ${name}`);
  return found;
}

const idOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.namespace ?? ""}/${metadata.name}`;

describe("deploy/", () => {
  it.skipIf(!hasKubectl())("is what kubectl kustomize makes of it", () => {
    expect(kustomize("deploy").map(idOf).sort()).toEqual(manifests.map(idOf).sort());
  });

  it("names every file that lies beside it, so that none is forgotten", () => {
    const options = ["gitops", "stamp-actions"];
    // For other tools than Aviary's own installation.
    const snippets = ["health"];
    const files = listFolder("deploy").filter(
      (name) => !isKustomization(name) && ![...options, ...snippets].includes(name),
    );
    expect(resourcesOf("deploy").sort()).toEqual(["../crds", ...files].sort());
    for (const option of options.map((name) => `deploy/${name}`)) {
      expect(resourcesOf(option)).toEqual(listFolder(option).filter((name) => !isKustomization(name)));
    }
  });

  it("installs every definition there is in crds/", () => {
    const files = listFolder("crds").filter((name) => !isKustomization(name));
    expect(resourcesOf("crds").sort()).toEqual(files);
  });

  it("leaves crds/ a folder that kubectl apply -f takes as well: nothing but definitions with an extension", () => {
    const files = listFolder("crds").filter((name) => /\.(ya?ml|json)$/.test(name));
    const found = files.flatMap((name) => documentsIn(readText(`crds/${name}`)).map(({ kind }) => kind));
    expect(new Set(found)).toEqual(new Set(["CustomResourceDefinition"]));
  });

  it("holds no Secret and stays in one namespace", () => {
    expect(manifests.filter(({ kind }) => kind === "Secret")).toEqual([]);
    const namespaces = new Set(manifests.flatMap(({ metadata }) => metadata.namespace ?? []));
    expect([...namespaces]).toEqual(["aviary"]);
  });
});

interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly terminationGracePeriodSeconds: number;
    readonly securityContext: unknown;
    readonly containers: readonly {
      readonly image: string;
      readonly args: string[];
      readonly env: readonly { readonly name: string }[];
      readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
      readonly securityContext: unknown;
      readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
      readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
      readonly resources: { readonly requests: object; readonly limits: object };
    }[];
  };
}

describe("the controller's Deployment", () => {
  const spec = find("Deployment", "aviary").spec as { replicas: number; selector: { matchLabels: object } } & {
    template: PodTemplate;
  };
  const template = spec.template;
  const [container] = template.spec.containers;
  if (container === undefined) throw new Error("no container");

  it("has two replicas that elect a leader in their own namespace, by flags that the controller knows", () => {
    const environment = Object.fromEntries(container.env.map(({ name }) => [name, "x"]));
    const [command, ...flags] = container.args;
    expect(command).toBe("controller");
    const invocation = readConfig(flags, environment);
    if (invocation.type !== "run") throw new Error(invocation.output);
    expect(spec.replicas).toBe(2);
    expect(invocation.config.leaderElection).toMatchObject({ enabled: true, namespace: "x" });
    expect(invocation.config.identity).toBe("x");
  });

  it("is probed and scraped where the controller listens, and given longer to stop than it takes", () => {
    const invocation = readConfig([], {});
    if (invocation.type !== "run") throw new Error(invocation.output);
    expect(container.ports).toEqual([{ name: "http", containerPort: invocation.config.listen.port }]);
    expect(container.livenessProbe.httpGet).toEqual({ path: "/healthz", port: "http" });
    expect(container.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "http" });
    expect(template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(invocation.config.shutdownGraceMs);
  });

  it("asks for nothing that the restricted pod security standard refuses", () => {
    expect(template.spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.resources).toMatchObject({ requests: { cpu: "100m" }, limits: { memory: "512Mi" } });
  });

  it("runs the image of this version", () => {
    const { version } = JSON.parse(readText("package.json")) as { version: string };
    expect(container.image).toBe(`aviary:${version}`);
  });

  it("is what its Service, its PodDisruptionBudget and its bindings mean", () => {
    expect(spec.selector.matchLabels).toEqual(template.metadata.labels);
    expect(find("Service", "aviary").spec).toMatchObject({ selector: template.metadata.labels });
    expect(find("PodDisruptionBudget", "aviary").spec).toMatchObject({ selector: spec.selector, maxUnavailable: 1 });
    for (const [kind, name] of [
      ["ClusterRoleBinding", "aviary-controller"],
      ["ClusterRoleBinding", "aviary-credentials"],
      ["ClusterRoleBinding", "aviary-track-secrets"],
      ["ClusterRoleBinding", "aviary-job-checks"],
      ["RoleBinding", "aviary-leader-election"],
    ] as const) {
      expect(find(kind, name)["subjects"]).toEqual([
        { kind: "ServiceAccount", name: template.spec.serviceAccountName, namespace: "aviary" },
      ]);
    }
  });
});

describe("what the controller may do", () => {
  const clusterRules = find("ClusterRole", "aviary-controller").rules ?? [];
  const secretRules = ["aviary-credentials", "aviary-track-secrets"].map(
    (name) => find("ClusterRole", name).rules ?? [],
  );
  const leaseRules = find("Role", "aviary-leader-election").rules ?? [];
  const jobRules = find("ClusterRole", "aviary-job-checks").rules ?? [];

  function verbsOn(rules: readonly Rule[], group: string, resource: string): string[] {
    const matching = rules.filter((rule) => rule.apiGroups.includes(group) && rule.resources.includes(resource));
    return [...new Set(matching.flatMap(({ verbs }) => verbs))].sort();
  }

  it.each(Object.values(kinds).map(({ group, plural }) => [plural, group]))("covers %s %s", (plural, group) => {
    expect(verbsOn([...clusterRules, ...secretRules.flat(), ...leaseRules, ...jobRules], group, plural)).not.toEqual(
      [],
    );
  });

  it("is written out: no wildcard, no verb that gives rights away", () => {
    for (const rule of [...clusterRules, ...secretRules.flat(), ...leaseRules, ...jobRules]) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs]).not.toContain("*");
      expect(
        rule.verbs.filter((verb) => ["escalate", "bind", "impersonate", "deletecollection"].includes(verb)),
      ).toEqual([]);
    }
  });

  it.each([
    ["", "secrets", []],
    ["", "configmaps", ["create", "delete", "get", "list", "patch", "watch"]],
    ["", "pods", ["list"]],
    ["", "namespaces", ["get"]],
    ["apps", "deployments", ["create", "delete", "list", "patch", "watch"]],
    ["apps", "daemonsets", ["create", "delete", "list", "patch", "watch"]],
    ["apps", "statefulsets", ["create", "delete", "list", "patch", "watch"]],
    ["aviary.dev", "canaryactions", ["delete", "list", "watch"]],
    ["aviary.dev", "canaries", ["list", "patch", "watch"]],
    ["aviary.dev", "canaries/status", ["patch"]],
    ["aviary.dev", "canaryactions/status", ["patch"]],
    ["coordination.k8s.io", "leases", []],
    ["rbac.authorization.k8s.io", "clusterroles", []],
  ])("is least for %s %s: %j", (group, resource, verbs) => {
    expect(verbsOn(clusterRules, group, resource)).toEqual(verbs);
  });

  it("about Secrets stands in files of its own, so that it can be left out", () => {
    expect(secretRules.map((rules) => verbsOn(rules, "", "secrets"))).toEqual([
      ["get"],
      ["create", "delete", "get", "list", "patch", "watch"],
    ]);
    expect(secretRules.flat().flatMap(({ resources }) => resources)).toEqual(["secrets", "secrets"]);
  });

  it("elects with the one Lease that the flags name by default", () => {
    const invocation = readConfig([], {});
    if (invocation.type !== "run") throw new Error(invocation.output);
    const named = leaseRules.filter(({ resourceNames }) => resourceNames !== undefined);
    expect(named).toEqual([
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: [invocation.config.leaderElection.name],
        verbs: ["get", "update"],
      },
    ]);
  });
});

describe("what people may do", () => {
  const verbs = actions.map((action) => action.toLowerCase());
  const grantedBy = (name: string) =>
    (find("ClusterRole", name).rules ?? [])
      .filter(({ resources }) => resources.includes("canaries"))
      .flatMap((rule) => rule.verbs);

  it("has a verb for every action, and admins have them all", () => {
    const all = [...grantedBy("aviary-edit"), ...grantedBy("aviary-override")];
    expect(verbs.filter((verb) => !all.includes(verb))).toEqual([]);
    for (const name of ["aviary-edit", "aviary-override"]) {
      expect(find("ClusterRole", name).metadata.labels).toMatchObject({
        "rbac.authorization.k8s.io/aggregate-to-admin": "true",
      });
    }
  });

  it("lets approvers approve, and do nothing else to a canary", () => {
    expect(grantedBy("aviary-approve")).toEqual(["approve"]);
  });

  it("lets viewers only read", () => {
    expect([...new Set(find("ClusterRole", "aviary-view").rules?.flatMap((rule) => rule.verbs))]).toEqual([
      "get",
      "list",
      "watch",
    ]);
  });

  it("is checked by a policy that denies", () => {
    const binding = find("ValidatingAdmissionPolicyBinding", "aviary-canary-actions");
    expect(binding.spec).toEqual({ policyName: "aviary-canary-actions", validationActions: ["Deny"] });
    expect(find("ValidatingAdmissionPolicy", "aviary-canary-actions").spec).toMatchObject({ failurePolicy: "Fail" });
  });
});

describe("deploy/gitops", () => {
  const held = manifestsOf("deploy/gitops");
  const policy = held.find(({ kind }) => kind === "MutatingAdmissionPolicy");

  it.skipIf(!hasKubectl())("is what kubectl kustomize makes of it", () => {
    expect(kustomize("deploy/gitops").map(idOf).sort()).toEqual(held.map(idOf).sort());
  });

  it("never keeps anybody from writing a route, and lets the controller of deploy/ write what it wants", () => {
    expect(policy?.spec).toMatchObject({ failurePolicy: "Ignore" });
    const { metadata } = find("ServiceAccount", "aviary");
    const account = `system:serviceaccount:${metadata.namespace ?? ""}:${metadata.name}`;
    expect(JSON.stringify(policy?.spec)).toContain(`request.userInfo.username != '${account}'`);
  });

  it("reads the annotation that the controller writes, of every kind of route whose weights it moves", () => {
    expect(JSON.stringify(policy?.spec)).toContain(`'${WEIGHTS_ANNOTATION}' in oldObject.metadata.annotations`);
    const spec = policy?.spec as { matchConstraints: { resourceRules: { resources: string[] }[] } };
    const patched = [kinds.httpRoute, kinds.grpcRoute, kinds.tcpRoute, kinds.tlsRoute].map(({ plural }) => plural);
    expect(spec.matchConstraints.resourceRules[0]?.resources).toEqual(patched);
  });
});

describe("deploy/stamp-actions", () => {
  it("stamps what the other policy checks", () => {
    const stamped = manifestsOf("deploy/stamp-actions").find(({ kind }) => kind === "MutatingAdmissionPolicy");
    const checked = find("ValidatingAdmissionPolicy", "aviary-canary-actions");
    const rulesOf = (policy: Manifest | undefined) => (policy?.spec as { matchConstraints: object }).matchConstraints;
    expect(rulesOf(stamped)).toEqual(rulesOf(checked));
  });
});

describe("the image", () => {
  const dockerfile = readText("Dockerfile");
  const manifest = JSON.parse(readText("package.json")) as {
    files: string[];
    bin: Record<string, string>;
    scripts: Record<string, string>;
    engines: { node: string };
  };
  const final = dockerfile.slice(dockerfile.lastIndexOf("FROM "));

  it("is compiled by the same command as the package", () => {
    expect(dockerfile).toContain("RUN npm run build");
    const script = /^node (\S+)$/.exec(manifest.scripts["build"] ?? "")?.[1] ?? "no script";
    expect(dockerfile).toMatch(new RegExp(`^COPY ${script} `, "m"));
    const out = /^const OUT = "(\S+)";$/m.exec(readText(script))?.[1] ?? "no folder";
    expect(final).toContain(`COPY --from=build /build/${out} `);
  });

  it("holds every file of the package, and starts its bin without being root", () => {
    for (const name of [...manifest.files, "package.json"]) {
      expect(final, name).toMatch(new RegExp(`^COPY .*\\b${name.replace(".", "\\.")}\\b`, "m"));
    }
    const [, entry = "[]"] = /^ENTRYPOINT (.+)\nCMD \["controller"\]\n/m.exec(final) ?? [];
    const [node, ...words] = JSON.parse(entry) as string[];
    expect([node, words.pop()]).toEqual(["node", manifest.bin["aviary"]]);
    expect(execFileSync(process.execPath, [...words, "--print", "'accepted'"]).toString()).toBe("accepted\n");
    expect(final).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  });

  it("has the Node that the package asks for, and nothing that is only needed to build", () => {
    const major = /\d+/.exec(manifest.engines.node)?.[0];
    expect(dockerfile.match(/^FROM (\S+)/gm)).toEqual([`FROM node:${major}-slim`, `FROM node:${major}-slim`]);
    expect(dockerfile).toContain("npm prune --omit=dev");
    expect(final).not.toMatch(/\bsrc\b|RUN npm/);
  });

  it("is built from a context that lets through all that is copied, and nothing else", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) =>
      (match[1] ?? "").split(" "),
    );
    const admitted = readText(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"));
    expect(admitted.map((line) => line.slice(1)).sort()).toEqual([...new Set(copied)].sort());
  });
});

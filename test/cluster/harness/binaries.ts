import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { waitFor } from "./polling.ts";
import { isAlive, logTail, startProcess } from "./processes.ts";

const components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"] as const;
type Component = (typeof components)[number];

export type Binaries = Readonly<Record<Component | "kwok", string>> & {
  /** Folder with the stages of the KWOK module: one YAML document per file. */
  readonly stages: string;
  /** Folder with the standard CRDs of the Gateway API. */
  readonly gatewayCrds: string;
};

/** Something that is built once, from pinned inputs, and kept in the cache. */
export interface GoModule {
  readonly label: string;
  readonly folder: string;
  /** Files that decide what is built, relative to the folder. */
  readonly inputs: readonly string[];
  readonly build: (folder: string, into: string) => Promise<void>;
}

/** Static and without paths of this machine, so that the cache may be carried to another. */
const goBuildFlags = ["-mod=readonly", "-trimpath", "-buildvcs=false"];
const goEnvironment = { CGO_ENABLED: "0" };

const controlPlaneFolder = join(import.meta.dirname, "../controlplane");

const controlPlane: GoModule = {
  label: "controlplane",
  folder: controlPlaneFolder,
  inputs: ["go.mod", "go.sum", "main.go"],
  build: async (folder, into) => {
    // Without these kubectl takes the server for v0.0.0 and warns.
    const pinned = /^\tk8s\.io\/kubernetes (v(\d+)\.(\d+)\S*)/m.exec(readFileSync(join(folder, "go.mod"), "utf8"));
    const version = { gitVersion: pinned?.[1], gitMajor: pinned?.[2], gitMinor: pinned?.[3] };
    const stamps = Object.entries(version).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`);
    await goBuild(folder, join(into, "controlplane"), ".", stamps);
    for (const component of components) symlinkSync("controlplane", join(into, component));
  },
};

const kwok: GoModule = {
  label: "kwok",
  folder: join(controlPlaneFolder, "kwok"),
  inputs: ["go.mod", "go.sum"],
  build: async (folder, into) => {
    await goBuild(folder, join(into, "kwok"), "sigs.k8s.io/kwok/cmd/kwok", []);
    const stages = join(await moduleFolder(folder, into, "sigs.k8s.io/kwok"), "kustomize/stage");
    for (const name of ["node/fast", "node/heartbeat-with-lease", "pod/fast"]) {
      cpSync(join(stages, name), join(into, "stages"), { recursive: true, filter: isStage });
    }
    const gateway = await moduleFolder(folder, into, "sigs.k8s.io/gateway-api");
    cpSync(join(gateway, "config/crd/standard"), join(into, "gateway-crds"), { recursive: true });
    // The module cache is read-only, and so are copies of it.
    await runBuild(folder, into, ["chmod", "-R", "u+w", into]);
  },
};

/**
 * Paths of everything that a control plane needs, built first (minutes, once) where the cache does not have it. With
 * KUBEBUILDER_ASSETS set, its etcd, kube-apiserver and kubectl are taken instead of ours.
 */
export async function ensureBinaries(report: (line: string) => void = () => undefined): Promise<Binaries> {
  const built = await ensureBuilt(controlPlane, report);
  const simulator = await ensureBuilt(kwok, report);
  const assets = process.env["KUBEBUILDER_ASSETS"];
  const path = (component: Component): string => {
    const given = assets === undefined ? undefined : join(assets, component);
    return given !== undefined && existsSync(given) ? given : join(built, component);
  };
  return {
    etcd: path("etcd"),
    "kube-apiserver": path("kube-apiserver"),
    "kube-controller-manager": path("kube-controller-manager"),
    "kube-scheduler": path("kube-scheduler"),
    kubectl: path("kubectl"),
    kwok: join(simulator, "kwok"),
    stages: join(simulator, "stages"),
    gatewayCrds: join(simulator, "gateway-crds"),
  };
}

/** The folder of what `module.build` made: from the cache, or built now by one process while others wait. */
export async function ensureBuilt(module: GoModule, report: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), `${module.label}-${fingerprint(module)}`);
  if (existsSync(folder)) {
    report(`${module.label}: cached in ${folder}`);
    return folder;
  }
  report(`${module.label}: building (this takes minutes, once) …`);
  const start = performance.now();
  mkdirSync(cacheFolder(), { recursive: true });
  const release = await lock(folder);
  const unfinished = `${folder}.unfinished`;
  try {
    if (existsSync(folder)) return folder;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished);
    await module.build(module.folder, unfinished);
    // By a rename, so that an interrupted build is never taken for a finished one.
    renameSync(unfinished, folder);
  } finally {
    release();
    report(`${module.label}: ${((performance.now() - start) / 1000).toFixed(1)} s, into ${folder}`);
  }
  return folder;
}

/** Waits while another process that lives builds the same, for at most 15 minutes; returns what frees the lock. */
async function lock(folder: string): Promise<() => void> {
  const file = `${folder}.lock`;
  const take = (): boolean => {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return true;
    } catch {
      // Two processes that both find a dead holder may both build: wasteful, and rare.
      if (!isAlive(Number(readFileSync(file, "utf8")))) rmSync(file);
      return false;
    }
  };
  await waitFor(`${file} to be free`, take, { timeoutMs: 900_000, intervalMs: 500 });
  return () => rmSync(file, { force: true });
}

function cacheFolder(): string {
  return process.env["AVIARY_CACHE"] ?? join(homedir(), ".cache/aviary");
}

function fingerprint(module: GoModule): string {
  const recipe = [process.platform, process.arch, goBuildFlags, goEnvironment];
  const hash = createHash("sha256").update(JSON.stringify(recipe));
  for (const input of module.inputs) hash.update(readFileSync(join(module.folder, input)));
  return hash.digest("hex").slice(0, 16);
}

function isStage(path: string): boolean {
  return !path.includes("testdata") && !path.endsWith("kustomization.yaml") && !/\.(md|go)$/.test(path);
}

export async function goBuild(
  folder: string,
  output: string,
  target: string,
  linkerFlags: readonly string[],
): Promise<void> {
  const flags = ["-s", "-w", ...linkerFlags].join(" ");
  await runBuild(folder, dirname(output), ["go", "build", ...goBuildFlags, "-ldflags", flags, "-o", output, target]);
}

/** The folder of a module in the version and with the checksum that go.mod and go.sum pin. */
export async function moduleFolder(folder: string, into: string, path: string): Promise<string> {
  await runBuild(folder, into, ["go", "mod", "download", path]);
  const lines = await runBuild(folder, into, ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", path]);
  return lines.at(-1) ?? "";
}

/** Runs behind everything else on the machine, logs to `build.log`, and returns the lines of that log. */
export async function runBuild(cwd: string, into: string, command: readonly string[]): Promise<string[]> {
  const args = ["-n", "10", ...command];
  const logFile = join(into, "build.log");
  const build = startProcess({ name: command.join(" "), command: "nice", args, cwd, env: goEnvironment, logFile });
  const { code } = await build.exited;
  if (code !== 0) throw new Error(`${build.name} ended with ${code}:\n${logTail(build, 40)}`);
  return build.logs().trimEnd().split("\n");
}

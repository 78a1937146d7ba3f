import { chmodSync, cpSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ensureBuilt, goBuild, type GoModule, moduleFolder } from "../../cluster/harness/binaries.ts";

/** A peer as it is built: its controller, and the folder with its CRDs. */
export interface PeerBinaries {
  readonly controller: string;
  readonly crds: string;
  /** As pinned in go.mod. */
  readonly version: string;
}

interface Source {
  readonly label: string;
  readonly folder: string;
  readonly module: string;
  /** Package of the controller, below the module. */
  readonly command: string;
  /** Files of the CRDs, a pattern below the module. */
  readonly crds: string;
}

const argoRollouts: Source = {
  label: "argo-rollouts",
  folder: join(import.meta.dirname, "argoRollouts"),
  module: "github.com/argoproj/argo-rollouts",
  command: "cmd/rollouts-controller",
  crds: "manifests/crds/*-crd.yaml",
};

const flagger: Source = {
  label: "flagger",
  folder: join(import.meta.dirname, "flagger"),
  module: "github.com/fluxcd/flagger",
  command: "cmd/flagger",
  crds: "artifacts/flagger/crd.yaml",
};

/** Both peers, built first (minutes, once) where the cache does not have them, in the versions that go.mod pins. */
export async function ensurePeers(
  report: (line: string) => void,
): Promise<{ readonly argoRollouts: PeerBinaries; readonly flagger: PeerBinaries }> {
  return { argoRollouts: await ensurePeer(argoRollouts, report), flagger: await ensurePeer(flagger, report) };
}

async function ensurePeer(source: Source, report: (line: string) => void): Promise<PeerBinaries> {
  const folder = await ensureBuilt(goModule(source), report);
  return { controller: join(folder, "controller"), crds: join(folder, "crds"), version: pinnedVersion(source) };
}

function goModule({ label, folder, module, command, crds }: Source): GoModule {
  return {
    label,
    folder,
    inputs: ["go.mod", "go.sum"],
    build: async (at, into) => {
      await goBuild(at, join(into, "controller"), `${module}/${command}`, []);
      const root = await moduleFolder(at, into, module);
      for (const file of globSync(crds, { cwd: root })) {
        const copy = join(into, "crds", basename(file));
        cpSync(join(root, file), copy);
        // The module cache is read-only, and so are copies of it.
        chmodSync(copy, 0o644);
      }
    },
  };
}

function pinnedVersion({ folder, module }: Source): string {
  const words = readFileSync(join(folder, "go.mod"), "utf8").split(/\s+/);
  return words[words.indexOf(module) + 1] ?? "";
}

import { chmodSync, cpSync, existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt, goBuild, type GoModule, moduleFolder, runBuild } from "../../cluster/harness/binaries.ts";

export interface GatewayBinaries {
  readonly contour: string;
  readonly envoy: string;
  /** Folder with Contour's own CRDs. */
  readonly contourCrds: string;
  /** Debian's; the one part that is not kept in the cache. */
  readonly prometheus: string;
}

const CONTOUR = "github.com/projectcontour/contour";

const contour: GoModule = {
  label: "contour",
  folder: join(import.meta.dirname, "../contour"),
  inputs: ["go.mod", "go.sum"],
  build: async (folder, into) => {
    await goBuild(folder, join(into, "contour"), `${CONTOUR}/cmd/contour`, []);
    const crds = join(await moduleFolder(folder, into, CONTOUR), "examples/contour/01-crds.yaml");
    cpSync(crds, join(into, "crds/crds.yaml"));
    // The module cache is read-only, and so are copies of it.
    chmodSync(join(into, "crds/crds.yaml"), 0o644);
  },
};

/** The wheel holds the binary of an official release. */
const envoy: GoModule = {
  label: "envoy",
  folder: join(import.meta.dirname, "../envoy"),
  inputs: ["requirements.txt"],
  build: async (folder, into) => {
    const options = ["--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"];
    await runBuild(folder, into, [
      ...["python3", "-m", "pip", "install", ...options],
      ...["--target", join(into, "site"), "--requirement", "requirements.txt"],
    ]);
  },
};

/** The one public ingress controller of a package registry that honours the `canary-*` annotations: docs/decisions/0028. */
const traefik: GoModule = {
  label: "traefik",
  folder: join(import.meta.dirname, "../traefik"),
  inputs: ["go.mod", "go.sum", "ext/ext.go", ...standIns()],
  build: (folder, into) => goBuild(folder, join(into, "traefik"), "github.com/traefik/traefik/v3/cmd/traefik", []),
};

/** Relative to the module's folder. */
function standIns(): string[] {
  const all = globSync("noacme/**/*.go", { cwd: join(import.meta.dirname, "../traefik") });
  return all.sort();
}

/** Path of the ingress controller, built first (minutes, once) where the cache does not have it. */
export async function ensureIngressBinary(report: (line: string) => void = () => undefined): Promise<string> {
  return join(await ensureBuilt(traefik, report), "traefik");
}

/** Paths of the data plane's parts, made first (minutes, once) where the cache does not have them. */
export async function ensureGatewayBinaries(
  report: (line: string) => void = () => undefined,
): Promise<GatewayBinaries> {
  const [contourFolder, envoyFolder] = await Promise.all([ensureBuilt(contour, report), ensureBuilt(envoy, report)]);
  const prometheus = ["/usr/bin/prometheus", "/usr/local/bin/prometheus"].find((path) => existsSync(path));
  if (prometheus === undefined) throw new Error("prometheus is missing: run .ci/install.sh");
  return {
    contour: join(contourFolder, "contour"),
    envoy: join(envoyFolder, "site/envoy/_bin/envoy"),
    contourCrds: join(contourFolder, "crds"),
    prometheus,
  };
}

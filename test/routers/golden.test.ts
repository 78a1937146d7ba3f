import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { KubeObject } from "../../src/kube/port.ts";
import { routers } from "../../src/routers/index.ts";
import type { Backends, Demand, RouteInput, Router, RouteWrite } from "../../src/routers/router.ts";
import { objectsOf } from "./cluster.ts";
import { backends } from "./samples.ts";

/** What a file in `test/golden/<router>` says; `<name>.expected.yaml` beside it holds the answer (`vitest -u` writes it). */
interface Case {
  readonly block: unknown;
  readonly backends?: Backends;
  /** Percent to the canary; left out: the objects are handed back. */
  readonly weight?: number;
  readonly matched?: boolean;
  readonly mirror?: number;
  /** What the strategy asks for beside weights. */
  readonly demand?: Demand;
  readonly objects: readonly KubeObject[];
}

const root = join(import.meta.dirname, "../golden");

describe.each(routers)("golden files of $name", (router) => {
  const folder = join(root, router.name);
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml") && !name.endsWith(".expected.yaml"));

  it.each(names)("%s", async (name) => {
    const given = parse(readFileSync(join(folder, name), "utf8")) as Case;
    const expected = join(folder, name.replace(".yaml", ".expected.yaml"));
    await expect(await answer(router, given)).toMatchFileSnapshot(expected);
  });
});

async function answer(router: Router, given: Case): Promise<string> {
  const block = router.schema.parse(given.block);
  const input = { block, backends: given.backends ?? backends, objects: objectsOf(given.objects), ...demandOf(given) };
  const writes =
    given.weight === undefined ? router.release(input) : router.plan(input, { ...given, weight: given.weight });
  const told = { read: router.read(input), writes: writes.map(plain) };
  const text = stringify(JSON.parse(JSON.stringify(told)), { lineWidth: 120 });
  return format(text, { parser: "yaml", printWidth: 120 });
}

function demandOf({ demand }: Case): Pick<RouteInput<unknown>, "demand"> {
  return demand === undefined ? {} : { demand };
}

function plain({ ref, ...write }: RouteWrite): unknown {
  return { ...write, ref: `${ref.kind.kind} ${ref.namespace}/${ref.name}` };
}

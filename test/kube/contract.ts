import { afterAll, beforeAll, describe, expect } from "vitest";
import { patching } from "./contract/patching.ts";
import { discovering, reading } from "./contract/reading.ts";
import type { KubeHarness, SetUp } from "./contract/setting.ts";
import { watching } from "./contract/watching.ts";
import { applying, creating, deleting, telling } from "./contract/writing.ts";

export type { KubeHarness } from "./contract/setting.ts";

/** What every implementation of the port must do: the in-memory one, the client against the sandbox, a real server. */
export function kubeContract(name: string, makeHarness: () => Promise<KubeHarness>): void {
  describe(`the port, as ${name},`, () => {
    let harness: KubeHarness | undefined;
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterAll(async () => {
      await harness?.close();
    });
    /** The port and a namespace of the test's own. */
    const setUp: SetUp = async () => {
      const made = harness ?? expect.fail("no harness");
      return { kube: made.kube, namespace: await made.namespace(), harness: made };
    };
    reading(setUp);
    watching(setUp);
    creating(setUp);
    telling(setUp);
    patching(setUp);
    applying(setUp);
    deleting(setUp);
    discovering(setUp);
  });
}

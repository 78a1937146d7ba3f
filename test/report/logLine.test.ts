import { expect, it } from "vitest";
import { decide } from "../../src/decide/decide.ts";
import { createFreshReads } from "../../src/kube/fresh.ts";
import { createInformers } from "../../src/kube/informers.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { createLog } from "../../src/lib/jsonLog.ts";
import { createAnswering } from "../../src/report/answering.ts";
import { createPacing } from "../../src/report/pacing.ts";
import { report } from "../../src/report/report.ts";
import { nextStatus } from "../../src/report/status.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { createTelemetry } from "../../src/server/telemetry.ts";
import { ago, atTen, leaving, rolling, scene, serving } from "../decide/scenes.ts";
import type { SceneOptions } from "../decide/scenes.ts";
import { install } from "../lives/cluster.ts";
import { aCanary, NAMESPACE } from "../lives/manifests.ts";
import { createVirtualClock } from "../virtualClock.ts";

/** The lines that are logged when this is seen, decided and reported. */
async function linesOf(seen: SceneOptions): Promise<unknown[]> {
  const clock = createVirtualClock();
  const server = createApiServer({ now: () => clock.now(), namespaces: [NAMESPACE] });
  install(server);
  const kube = createMemoryKube({ server });
  const informers = createInformers(kube, clock);
  const lines: unknown[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const observation = scene(seen);
  await kube.create(kinds.canary, aCanary());
  await report(observation, decide(observation), {
    kube,
    reads: createFreshReads(informers, clock),
    events: { record: () => undefined, flush: async () => {}, dropped: () => 0 },
    telemetry: createTelemetry(),
    log: createLog({ level: "debug", destination }),
    pacing: createPacing(clock),
    answering: createAnswering(clock),
    signal: new AbortController().signal,
  });
  await informers.stop();
  return lines;
}

const holding: SceneOptions = { status: rolling(atTen(5)), ...serving(10) };
const observed = scene(holding);
const held = nextStatus(observed, decide(observed));
const hold = {
  rule: "holdWeight",
  phase: "Progressing",
  weight: 10,
  actions: [],
  msg: "step 1/3: holding weight 10 for 30s",
};

it.each([
  {
    what: "what a person cares about, at info",
    seen: { status: rolling({ podsReadySince: ago(9) }), ...serving(0) },
    lines: [
      {
        level: "info",
        rule: "shiftTraffic",
        phase: "Progressing",
        weight: 10,
        actions: ["freezeTarget", "setWeight"],
        msg: "step 1/3: weight 10",
      },
    ],
  },
  {
    what: "another rule, at info",
    seen: holding,
    lines: [{ ...hold, level: "info" }],
  },
  {
    what: "other words of the same rule, at debug",
    seen: { ...holding, status: { ...held, why: { rule: "holdWeight", message: "before" } } },
    lines: [{ ...hold, level: "debug" }],
  },
  { what: "not what has been said", seen: { ...holding, status: held }, lines: [] },
  {
    what: "the last one about a Canary, whose status nobody writes any more",
    seen: { metadata: leaving, see: { namespaceTerminating: true } },
    lines: [{ level: "info", rule: "letGo", phase: "Terminating", weight: 0, actions: ["removeFinalizer"] }],
  },
])("one log line tells of a decision: $what", async ({ seen, lines }) => {
  expect(await linesOf(seen)).toMatchObject(lines.map((line) => ({ canary: "shop/web", ...line })));
});

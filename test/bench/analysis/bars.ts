import type { Scenario } from "./scenario.ts";
import { ENOUGH_BAD, type Tally } from "./tally.ts";
import { expectedBadOf } from "./expectedBad.ts";

/** Something that the judge must reach, with what was measured. */
export interface Bar {
  readonly name: string;
  readonly holds: boolean;
  readonly measured: string;
}

type Metric = "rolledBack" | "promoted" | "undecided" | "rollbackMinute" | "promotionMinute" | "canaryRequests";

interface Limit {
  readonly name: string;
  readonly scenarios: readonly string[];
  readonly rates: readonly number[];
  readonly metric: Metric;
  readonly most?: number;
  readonly least?: number;
}

const [ALL, BUSY, QUIET] = [[5, 50, 500], [50, 500], [5]] as const;

/** What the judge is held to in single scenarios, where these are run; the number is that of the bar in docs/scenarios.md. */
const LIMITS: readonly Limit[] = [
  { name: "1 healthy stays", scenarios: ["H1", "H2", "H3", "H5"], rates: ALL, metric: "rolledBack", most: 1 },
  { name: "1 clusters and long cold start stay", scenarios: ["H4", "H6"], rates: ALL, metric: "rolledBack", most: 2 },
  { name: "2 healthy is promoted", scenarios: ["H1"], rates: ALL, metric: "promoted", least: 99 },
  { name: "2 soon", scenarios: ["H1"], rates: ALL, metric: "promotionMinute", most: 7 },
  { name: "2 soon at 1 %", scenarios: ["H2"], rates: QUIET, metric: "promotionMinute", most: 13 },
  { name: "3 found", scenarios: ["B2", "B3", "B4", "B5"], rates: BUSY, metric: "rolledBack", least: 99 },
  { name: "3 in time", scenarios: ["B2", "B3", "B4", "B5"], rates: [50], metric: "rollbackMinute", most: 3.5 },
  { name: "3 in time", scenarios: ["B2", "B3", "B4", "B5"], rates: [500], metric: "rollbackMinute", most: 2 },
  { name: "3 gross in time", scenarios: ["B5"], rates: QUIET, metric: "rollbackMinute", most: 2 },
  { name: "3 gross at little cost", scenarios: ["B5"], rates: QUIET, metric: "canaryRequests", most: 60 },
  { name: "4 found at 5 rps", scenarios: ["B2", "B3", "B4"], rates: QUIET, metric: "rolledBack", least: 95 },
  { name: "4 does not escape", scenarios: ["B2", "B3", "B4"], rates: QUIET, metric: "promoted", most: 5 },
  { name: "5 clusters do not escape", scenarios: ["B6"], rates: ALL, metric: "promoted", most: 1 },
  { name: "6 doubled rate is found", scenarios: ["B1"], rates: [500], metric: "rolledBack", least: 82 },
  { name: "6 and after a soak", scenarios: ["B1-soak"], rates: [500], metric: "rolledBack", least: 99 },
  { name: "8 too little to say", scenarios: ["sparse", "sparse-bad"], rates: [0.005], metric: "undecided", least: 100 },
];

/** All bars that the results can speak to. */
export function checkBars(scenarios: readonly Scenario[], results: readonly Tally[]): Bar[] {
  const ours = results.filter(({ judge }) => judge === "aviary");
  return [
    ...LIMITS.flatMap((limit) => limitBars(limit, ours)),
    ...rivalBars(results),
    ...fewestBars(ours),
    ...scenarios.flatMap((scenario) => generalBars(scenario, ours)),
  ];
}

function limitBars({ name, scenarios, rates, metric, most, least }: Limit, ours: readonly Tally[]): Bar[] {
  return ours
    .filter((each) => scenarios.includes(each.scenario) && rates.includes(each.rps))
    .map((each) => {
      const value = each[metric];
      const holds = value !== undefined && value <= (most ?? Infinity) && value >= (least ?? -Infinity);
      const bound = most === undefined ? `at least ${least}` : `at most ${most}`;
      return { name: `${name} (${each.scenario} at ${each.rps} rps)`, holds, measured: `${metric} ${value}, ${bound}` };
    });
}

/** Bar 7: no more canary requests until the rollback than Flagger's rule and Kayenta at every look need. */
function rivalBars(results: readonly Tally[]): Bar[] {
  return results
    .filter(({ judge, scenario, rps }) => judge === "aviary" && /^B[2-5]$/.test(scenario) && rps >= 50)
    .flatMap((ours) =>
      ["flagger", "kayenta-peek"].flatMap((judge) => {
        const rival = results.find((r) => r.judge === judge && r.scenario === ours.scenario && r.rps === ours.rps);
        if (rival?.canaryRequests === undefined) return [];
        const measured = `canary requests ${ours.canaryRequests}, ${judge} ${rival.canaryRequests}`;
        const holds = (ours.canaryRequests ?? Infinity) <= rival.canaryRequests;
        return [{ name: `7 fewer requests (${ours.scenario} at ${ours.rps} rps)`, holds, measured }];
      }),
    );
}

/** Bar 8: whatever the scenario, nothing is decided on fewer than 20 requests of the canary. */
function fewestBars(ours: readonly Tally[]): Bar[] {
  const fewest = Math.min(...ours.map(({ fewestRequests }) => fewestRequests ?? Infinity));
  if (fewest === Infinity) return [];
  const measured = `fewest canary requests at a decision ${fewest}, at least ${FEWEST_REQUESTS}`;
  return [{ name: "8 not on fewer than 20 requests (all)", holds: fewest >= FEWEST_REQUESTS, measured }];
}

const FEWEST_REQUESTS = 20;

/** For every scenario: a healthy canary stays, and a gross regression that the traffic can show is not promoted. */
function generalBars(scenario: Scenario, ours: readonly Tally[]): Bar[] {
  return ours
    .filter((each) => each.scenario === scenario.name)
    .flatMap((each) => {
      if (scenario.canaryIs === "healthy") {
        const measured = `rolled back ${each.rolledBack} %, at most ${scenario.tolerated}`;
        return [
          {
            name: `healthy stays (${each.scenario} at ${each.rps} rps)`,
            holds: each.rolledBack <= scenario.tolerated,
            measured,
          },
        ];
      }
      const bad = expectedBadOf(scenario, each.rps);
      if (!scenario.gross || bad < ENOUGH_BAD) return [];
      const measured = `promoted ${each.promoted} %, at most 1 (${Math.round(bad)} bad canary requests in a full run)`;
      return [
        { name: `gross does not escape (${each.scenario} at ${each.rps} rps)`, holds: each.promoted <= 1, measured },
      ];
    });
}

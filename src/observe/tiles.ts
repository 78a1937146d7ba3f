import type { Canary, JudgedCheck } from "../api/canary.ts";
import { isJudged } from "../api/checks/index.ts";
import type { History } from "../analysis/types.ts";
import { nextTile } from "../decide/tile.ts";
import type { NextTile } from "../decide/tile.ts";
import type { TakenStream, TakenTile } from "../decide/taken.ts";
import { messageOf } from "../lib/errors.ts";
import type { Clock } from "../lib/time.ts";
import type { Subject } from "../metrics/dataPlanes/dataPlane.ts";
import { createBackground } from "./background.ts";
import type { BackgroundOptions } from "./background.ts";
import type { Source } from "./judgedQuestions.ts";
import type { AskSeries, AskShared } from "./series.ts";
import { createSharedAsking } from "./series.ts";
import { takeStreams } from "./streams.ts";

export interface TilesOptions extends BackgroundOptions {
  readonly clock: Clock;
  readonly ask: AskSeries;
}

/** What is known of a canary's surroundings when its versions are counted. */
export interface Surroundings {
  readonly subject: Subject;
  /** Who runs the data planes. */
  readonly controllers: readonly string[];
}

/**
 * Counts what both versions of every canary did, in tiles of time. As with readings, a reconcile never waits for it: what
 * is due is asked, and answered later.
 */
export interface Tiles {
  /** The newest tile, if the status does not hold it yet; asks for the next one when that is due. */
  collect(key: string, canary: Canary, surroundings: () => Surroundings): TakenTile | undefined;
  forget(key: string): void;
}

export function createTiles(options: TilesOptions): Tiles {
  const { clock, ask, signal } = options;
  const background = createBackground<TakenTile>(options);
  const shared = createSharedAsking(clock, ask);

  return {
    collect(key, canary, surroundings) {
      const now = clock.now();
      const next = nextTile(canary, now);
      if (next === undefined) {
        background.forget(key);
        return undefined;
      }
      const entry = background.entry(key, contextOf(canary));
      const asked = Date.parse(canary.status?.rollout?.judging?.asked ?? "") || 0;
      if (entry.answer !== undefined && asked <= now && entry.answer.askedAt <= asked) entry.answer = undefined;
      if (entry.answer === undefined && !entry.asking && now >= next.dueAt) {
        const task = { canary, next, askedAt: now, ...surroundings() };
        const taken = takeTile({ ...task, ask, shared, signal }).catch((error: unknown) =>
          failed(task, messageOf(error)),
        );
        background.ask(key, entry, taken);
      }
      return entry.answer;
    },
    forget: background.forget,
  };
}

function contextOf({ status }: Canary): string {
  const { revision = "", startedAt = "" } = status?.rollout ?? {};
  return `${revision} ${startedAt}`;
}

interface TileTask extends Surroundings {
  readonly canary: Canary;
  readonly next: NextTile;
  readonly askedAt: number;
}

export interface TileAsking extends TileTask {
  readonly ask: AskSeries;
  readonly shared: AskShared;
  readonly signal: AbortSignal;
}

/** What one check brought. */
export interface TakenCheck {
  readonly streams: Readonly<Record<string, TakenStream>>;
  readonly queries: NonNullable<TakenTile["queries"][string]>;
  readonly source?: Source;
  readonly history?: Readonly<Record<string, History>>;
}

async function takeTile(asking: TileAsking): Promise<TakenTile> {
  const { canary, next, askedAt } = asking;
  const checks = judgedChecks(canary);
  const taken = await Promise.all(checks.map((check) => takeStreams(asking, check)));
  const history = Object.assign({}, ...taken.map((each) => each.history)) as Record<string, History>;
  return {
    askedAt,
    from: next.from,
    to: next.to,
    streams: Object.assign({}, ...taken.map(({ streams }) => streams)) as Record<string, TakenStream>,
    queries: Object.fromEntries(checks.map(({ name }, index) => [name, taken[index]?.queries ?? []])),
    sources: taken.flatMap(({ source }) => (source === undefined ? [] : [source])),
    ...(canary.status?.rollout?.judging?.until === undefined ? { history } : {}),
  };
}

function failed({ canary, next, askedAt }: TileTask, message: string): TakenTile {
  const streams = judgedChecks(canary).map(({ name }) => [name, { kind: "unreachable", message }] as const);
  return {
    askedAt,
    from: next.from,
    to: next.to,
    streams: Object.fromEntries(streams),
    queries: {},
    sources: canary.status?.rollout?.judging?.sources ?? [],
  };
}

function judgedChecks({ spec }: Canary): readonly JudgedCheck[] {
  return spec.analysis.checks.filter(isJudged);
}

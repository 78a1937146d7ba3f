import type { Canary, JudgedCheck } from "../api/canary.ts";
import { isJudged } from "../api/checks/index.ts";
import type { History } from "../analysis/types.ts";
import { nextTile } from "../decide/tile.ts";
import type { NextTile } from "../decide/tile.ts";
import type { TakenStream, TakenTile } from "../decide/taken.ts";
import { messageOf } from "../lib/errors.ts";
import type { Clock } from "../lib/time.ts";
import type { Subject } from "../metrics/dataPlanes/dataPlane.ts";
import type { Source } from "./judgedQuestions.ts";
import type { AskSeries, AskShared } from "./series.ts";
import { createSharedAsking } from "./series.ts";
import { takeStreams } from "./streams.ts";

export interface TilesOptions {
  readonly clock: Clock;
  readonly ask: AskSeries;
  /** Called when an answer is in: the canary is to be looked at. */
  readonly onAnswer: (canaryKey: string) => void;
  readonly signal: AbortSignal;
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

interface Entry {
  /** The rollout that it is about; an answer about another one is dropped. */
  readonly context: string;
  asking: boolean;
  answer: TakenTile | undefined;
}

export function createTiles({ clock, ask, onAnswer, signal }: TilesOptions): Tiles {
  const entries = new Map<string, Entry>();
  const shared = createSharedAsking(clock, ask);

  const start = (key: string, entry: Entry, task: TileTask): void => {
    entry.asking = true;
    void takeTile({ ...task, ask, shared, signal })
      .catch((error: unknown) => failed(task, messageOf(error)))
      .then((tile) => {
        entry.asking = false;
        if (signal.aborted || entries.get(key) !== entry) return;
        entry.answer = tile;
        onAnswer(key);
      });
  };

  return {
    collect(key, canary, surroundings) {
      const now = clock.now();
      const next = nextTile(canary, now);
      if (next === undefined) {
        entries.delete(key);
        return undefined;
      }
      const context = contextOf(canary);
      const known = entries.get(key);
      const entry: Entry = known?.context === context ? known : { context, asking: false, answer: undefined };
      entries.set(key, entry);
      const asked = Date.parse(canary.status?.rollout?.judging?.asked ?? "") || 0;
      if (entry.answer !== undefined && asked <= now && entry.answer.askedAt <= asked) entry.answer = undefined;
      if (entry.answer === undefined && !entry.asking && now >= next.dueAt) {
        start(key, entry, { canary, next, askedAt: now, ...surroundings() });
      }
      return entry.answer;
    },
    forget: (key) => {
      entries.delete(key);
    },
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

import type { Answer } from "../decide/types.ts";
import type { Clock } from "../lib/time.ts";

/** After an answer that was refused, how long until it is given again, in milliseconds. */
const AGAIN_AFTER_MS = 15_000;

/**
 * Answers to CanaryActions that the API server refused, for instance since a webhook of somebody else's is down. What was
 * asked is done or refused by then: it is not looked at again, and nothing that a canary needs waits for saying so.
 */
export interface Answering {
  failed(canaryKey: string, answer: Answer): void;
  done(uid: string): void;
  heldOff(uid: string): boolean;
  /** The answers of a Canary that are to be given again now. */
  due(canaryKey: string): readonly Answer[];
  /** Milliseconds until the first of them is; undefined when there is none. */
  dueInMs(canaryKey: string): number | undefined;
}

interface Held {
  readonly canaryKey: string;
  readonly answer: Answer;
  readonly triedMs: number;
}

export function createAnswering(clock: Clock): Answering {
  const held = new Map<string, Held>();
  // A clock that was put back must not silence anybody.
  const leftMs = ({ triedMs }: Held): number => AGAIN_AFTER_MS - Math.abs(clock.now() - triedMs);
  const of = (key: string): readonly Held[] => [...held.values()].filter(({ canaryKey }) => canaryKey === key);
  return {
    failed(canaryKey, answer) {
      held.set(answer.request.uid, { canaryKey, answer, triedMs: clock.now() });
    },
    done: (uid) => {
      held.delete(uid);
    },
    heldOff: (uid) => held.has(uid),
    due: (key) => of(key).flatMap((one) => (leftMs(one) > 0 ? [] : one.answer)),
    dueInMs(key) {
      const all = of(key).map((one) => Math.max(0, leftMs(one)));
      return all.length === 0 ? undefined : Math.min(...all);
    },
  };
}

/** What is known of one canary, and whether somebody asks for more just now. */
export interface Asked<Answer> {
  /** What it is about; an answer about anything else is dropped. */
  readonly context: string;
  asking: boolean;
  /** When somebody asked last, in milliseconds since the epoch, for whoever asks again after a while. */
  askedMs?: number;
  answer: Answer | undefined;
}

/** Questions that are asked in the background, one at a time for each canary: a reconcile never waits for an answer. */
export interface Background<Answer> {
  /** What is known in this context; with another one everything begins anew. */
  entry(key: string, context: string): Asked<Answer>;
  /** Asks, and calls `onAnswer` when the answer is in, unless the canary is about something else by then. */
  ask(key: string, entry: Asked<Answer>, question: Promise<Answer>): void;
  forget(key: string): void;
}

export interface BackgroundOptions {
  /** Called when an answer is in: the canary is to be looked at. */
  readonly onAnswer: (canaryKey: string) => void;
  readonly signal: AbortSignal;
}

/** The questions themselves never fail: what goes wrong is an answer too. */
export function createBackground<Answer>({ onAnswer, signal }: BackgroundOptions): Background<Answer> {
  const entries = new Map<string, Asked<Answer>>();
  return {
    entry(key, context) {
      const known = entries.get(key);
      if (known?.context === context) return known;
      const entry: Asked<Answer> = { context, asking: false, answer: undefined };
      entries.set(key, entry);
      return entry;
    },
    ask(key, entry, question) {
      entry.asking = true;
      void question.then((answer) => {
        entry.asking = false;
        if (signal.aborted || entries.get(key) !== entry) return;
        entry.answer = answer;
        onAnswer(key);
      });
    },
    forget: (key) => {
      entries.delete(key);
    },
  };
}

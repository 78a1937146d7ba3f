import { abortError, onAbort } from "../../src/kube/abort.ts";
import type { KubeError } from "../../src/kube/errors.ts";
import type { Kube, KubeObject, ObjectList, WatchEvent, WatchOptions } from "../../src/kube/port.ts";

/** One watch that a reflector has opened; the test is its server. */
export interface OpenWatch {
  readonly options: WatchOptions;
  send(...events: readonly WatchEvent<KubeObject>[]): void;
  end(): void;
  fail(error: KubeError): void;
  /** Whether the reader is still there. */
  open(): boolean;
}

export type ListAnswer = ObjectList<KubeObject> | KubeError;

/** A `Kube` whose lists and watches the test answers by hand. Everything else is not there. */
export interface ScriptedKube {
  readonly kube: Kube;
  /** Answers of the next lists; the last one stays. */
  lists(...answers: readonly ListAnswer[]): void;
  listCalls(): number;
  readonly watches: readonly OpenWatch[];
  /** The newest watch. @throws Error when there is none. */
  watch(): OpenWatch;
}

export function createScriptedKube(): ScriptedKube {
  let answers: readonly ListAnswer[] = [{ items: [], resourceVersion: "1" }];
  let listCalls = 0;
  const watches: OpenWatch[] = [];
  const list = async (): Promise<ObjectList<KubeObject>> => {
    listCalls += 1;
    await Promise.resolve();
    const answer = answers[0];
    answers = answers.length > 1 ? answers.slice(1) : answers;
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no list is scripted");
    return answer;
  };
  const watch = (_: unknown, options: WatchOptions): AsyncIterable<WatchEvent<KubeObject>> => {
    const channel = createChannel(options);
    watches.push(channel.watch);
    return channel.events();
  };
  return {
    kube: { list, watch } as unknown as Kube,
    lists(...next) {
      answers = next;
    },
    listCalls: () => listCalls,
    watches,
    watch() {
      const newest = watches.at(-1);
      if (newest === undefined) throw new Error("no watch was opened");
      return newest;
    },
  };
}

function createChannel(options: WatchOptions): { watch: OpenWatch; events(): AsyncGenerator<WatchEvent<KubeObject>> } {
  const waiting: (WatchEvent<KubeObject> | "end" | Error)[] = [];
  let wake = (): void => {};
  let open = true;
  const push = (...items: readonly (WatchEvent<KubeObject> | "end" | Error)[]): void => {
    waiting.push(...items);
    wake();
  };
  async function* events(): AsyncGenerator<WatchEvent<KubeObject>> {
    const unsubscribe = onAbort(options.signal, () => push(abortError(options.signal)));
    try {
      for (;;) {
        const next = waiting.shift();
        if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (next === "end") return;
        else if (next instanceof Error) throw next;
        else yield next;
      }
    } finally {
      open = false;
      unsubscribe();
    }
  }
  const watch = { options, send: push, end: () => push("end"), fail: push, open: () => open };
  return { watch, events };
}

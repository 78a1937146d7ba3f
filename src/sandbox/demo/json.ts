import type { DemoView } from "./events.ts";

/** One JSON object a line, with `at` in seconds since the start; the last one is the summary. */
export function createJsonView(write: (text: string) => void): DemoView {
  const line = (value: unknown): void => {
    write(`${JSON.stringify(value)}\n`);
  };
  return {
    show(event, seconds) {
      line({ at: Math.round(seconds * 100) / 100, ...event });
    },
    summary(summary) {
      line({ summary });
    },
    failure(message) {
      line({ failure: message });
    },
  };
}

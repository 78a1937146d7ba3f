import type { PodRuntime } from "./podRuntime.ts";

/** Pods that only exist: ready at once, gone at once, no request ever reaches them. For virtual time. */
export function createInstantRuntime(): PodRuntime {
  let started = 0;
  return {
    start() {
      started += 1;
      const ip = `127.64.${Math.floor(started / 250) % 250}.${(started % 250) + 1}`;
      return Promise.resolve({ ip, stop: () => Promise.resolve() });
    },
    stop: () => Promise.resolve(),
  };
}

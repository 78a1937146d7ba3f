export { createVirtualClock, settle } from "../src/sandbox/virtualClock.ts";
export type { VirtualClock } from "../src/sandbox/virtualClock.ts";

import { describeLife } from "./life.ts";
import { crashAtTransitions } from "./rig/crashes.ts";

// AVIARY_E2E_SEED chooses at which transitions; AVIARY_E2E_CRASHES=all takes them all.
const seed = Number(process.env["AVIARY_E2E_SEED"] ?? 1);
const share = process.env["AVIARY_E2E_CRASHES"] === "all" ? 1 : 0.15;

describeLife(`a whole life of a controller that is killed again and again (seed ${seed})`, {
  trouble: (rig, shop) => crashAtTransitions({ rig, shop, seed, share }),
});

/** Builds what the cluster tests need, unless the cache has it: `node test/cluster/harness/build.ts`. */
import { ensureBinaries } from "./binaries.ts";

const start = performance.now();
const { kubectl } = await ensureBinaries((line) => console.log(line));
console.log(`kubectl: ${kubectl}`);
console.log(`ready after ${((performance.now() - start) / 1000).toFixed(1)} s`);

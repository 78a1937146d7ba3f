import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // By itself vitest leaves one core free; on a machine with two that halves the speed.
    maxWorkers: "100%",
    // Of the tests of a file that say so (test/e2e/verdicts.test.ts): what they do is to wait.
    maxConcurrency: 10,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/cluster/**", "test/e2e/**", "test/bench/**"],
          testTimeout: 20_000,
          // Nothing here changes what modules hold: reading them anew for every file would take a fifth of the time.
          isolate: false,
          // Node runs the sources as they are, here too: a module runner's way to every import costs a tenth of the time.
          experimental: { viteModuleRunner: false },
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

// Prints "PASSED FAILED" of a report that vitest wrote. Plain JavaScript for whatever Node is on the PATH.
//   node .ci/counts.cjs REPORT EXIT_STATUS
"use strict";
const { readFileSync } = require("node:fs");

const [report, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;
try {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  passed = numPassedTests;
  // A file that cannot be loaded, or whose setup fails, has no failed test of its own.
  const broken = testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  failed = numFailedTests + broken.length;
} catch {
  // No report: the run ended before it was written, which the exit status says.
}
// Errors outside of tests, time-outs, and runs without a single test.
if (failed === 0 && (status !== "0" || passed === 0)) failed = 1;
console.log(`${passed} ${failed}`);

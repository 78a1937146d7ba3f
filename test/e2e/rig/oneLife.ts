import { beforeEach, onTestFailed } from "vitest";
import type { CanaryStatus } from "../../../src/api/status.ts";

/**
 * Makes the tests of a `describe` one life: what goes wrong in it goes on being wrong, so the tests after it are
 * skipped. The answer says whether something did.
 */
export function asOneLife(): { readonly broken: boolean } {
  const life = { broken: false };
  beforeEach(({ skip }) => {
    skip(life.broken, "what went before went wrong");
    onTestFailed(() => {
      life.broken = true;
    });
  });
  return life;
}

/** A release is decided: a status that speaks about it, and not about the one before. */
export function ended(version: string): (status: CanaryStatus) => boolean {
  return ({ phase, target }) =>
    (phase === "Succeeded" || phase === "Failed") && target?.images?.[0] === `registry.test/web:${version}`;
}

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ask, closeAfterEach } from "./asking.ts";
import { elasticsearch, influxdb, splunk, splunkObservability } from "./documentedLogs.ts";
import { cloudWatch, datadog, dynatrace, google, graphite, newRelic, prometheus } from "./documentedMetrics.ts";
import { pages } from "./documentedPages.ts";

/** Answers in the form that the makers document, or that the sources of their servers and clients write and read. */

closeAfterEach();

describe("what the makers document", () => {
  const metrics = [prometheus, datadog, newRelic, cloudWatch, google, dynatrace, graphite];
  it.each([...metrics, influxdb, splunk, splunkObservability, elasticsearch].flat())(
    "$provider: $what",
    async ({ expected, ...asking }) => {
      expect((await ask(asking)).reading).toEqual(expected);
    },
  );

  it.each(Object.entries(pages))("is named in docs/providers.md for %s", (_provider, named) => {
    const docs = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
    for (const page of named) expect(docs).toContain(page);
  });
});

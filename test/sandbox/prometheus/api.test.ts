import { PrometheusDriver } from "prometheus-query";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPrometheusApi, type PrometheusApi } from "../../../src/sandbox/prometheus/api.ts";
import { createQueryEngine } from "../../../src/sandbox/prometheus/eval/query.ts";
import { startEmbeddedPrometheus } from "../../../src/sandbox/prometheus/prometheus.ts";
import { EPOCH_MS, loaded, SHOP } from "./samples.ts";

const NOW_MS = EPOCH_MS + 305_000;
let api: PrometheusApi;

beforeAll(async () => {
  const storage = loaded(SHOP);
  api = await startPrometheusApi({ engine: createQueryEngine({ storage }), storage, now: () => NOW_MS });
});
afterAll(() => api.close());

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function get(path: string): Promise<Reply> {
  const response = await fetch(api.url + path);
  return { status: response.status, body: await response.json() };
}

describe.each([true, false])("the npm package prometheus-query (POST: %s)", (preferPost) => {
  const client = (): PrometheusDriver => new PrometheusDriver({ endpoint: api.url, preferPost });

  test("reads an instant vector", async () => {
    const { resultType, result } = await client().instantQuery('requests_total{code="500"}', NOW_MS);
    expect(resultType).toBe("vector");
    expect(result).toMatchObject([
      { metric: { name: "requests_total", labels: { code: "500", job: "api", pod: "b" } }, value: { value: 75 } },
    ]);
  });

  test("reads at a time of its choice", async () => {
    const { result } = await client().instantQuery("line", EPOCH_MS + 100_000);
    expect(result).toMatchObject([{ value: { value: 80, time: new Date(EPOCH_MS + 100_000) } }]);
  });

  test("reads NaN, and takes an infinity for it as well, since that is all the package parses", async () => {
    const { result } = await client().instantQuery("sort(odd)", NOW_MS);
    expect(result).toMatchObject([{ value: { value: 1 } }, { value: { value: NaN } }, { value: { value: NaN } }]);
  });

  test("gets no elements where there are no samples", async () => {
    expect(await client().instantQuery("nothing")).toMatchObject({ resultType: "vector", result: [] });
  });

  test("reads a range", async () => {
    const { resultType, result } = await client().rangeQuery("line", EPOCH_MS + 5000, EPOCH_MS + 25_000, "10s");
    expect(resultType).toBe("matrix");
    expect(result).toMatchObject([{ values: [{ value: 100 }, { value: 98 }, { value: 96 }] }]);
  });

  test("lists series, labels and values", async () => {
    const driver = client();
    const [start, end] = [EPOCH_MS, NOW_MS];
    expect(await driver.series("sparse", start, end)).toMatchObject([{ name: "sparse", labels: {} }]);
    expect(await driver.labelNames("limits", start, end)).toEqual(["__name__", "pod", "resource"]);
    expect(await driver.labelValues("pod", "limits", start, end)).toEqual(["a", "b"]);
    expect(await driver.labelValues("kind")).toEqual(["inf", "nan", "one"]);
  });

  test("gets the position of a mistake in a query", async () => {
    await expect(client().instantQuery("sum(line")).rejects.toMatchObject({
      httpStatus: 400,
      error: 'invalid parameter "query": 1:9: parse error: unexpected end of input',
      prometheus: { status: "error", errorType: "bad_data" },
    });
  });
});

describe("the HTTP API writes", () => {
  test.each([
    ["query?query=1/0", { resultType: "scalar", result: [NOW_MS / 1000, "+Inf"] }],
    ["query?query=-1/0&time=1700000000.5", { resultType: "scalar", result: [1_700_000_000.5, "-Inf"] }],
    ["query?query=0/0&time=2023-11-14T22:13:20Z", { resultType: "scalar", result: [1_700_000_000, "NaN"] }],
    ["query?query='x'", { resultType: "string", result: [NOW_MS / 1000, "x"] }],
    [
      "query?query=old&time=1699999980",
      {
        resultType: "vector",
        result: [{ metric: { __name__: "old" }, value: [1_699_999_980, "7"] }],
      },
    ],
    [
      "query?query=line[25s]",
      {
        resultType: "matrix",
        result: [
          {
            metric: { __name__: "line" },
            values: [
              [1_700_000_270, "42"],
              [1_700_000_280, "40"],
            ],
          },
        ],
      },
    ],
    [
      "query_range?query=vector(1)&start=10&end=12.5&step=1",
      {
        resultType: "matrix",
        result: [
          {
            metric: {},
            values: [
              [10, "1"],
              [11, "1"],
              [12, "1"],
            ],
          },
        ],
      },
    ],
    [
      "query_range?query=time()&start=10&end=70&step=1m",
      {
        resultType: "matrix",
        result: [
          {
            metric: {},
            values: [
              [10, "10"],
              [70, "70"],
            ],
          },
        ],
      },
    ],
    ["series?match[]=sparse&match[]=single&match[]=sparse", [{ __name__: "sparse" }, { __name__: "single" }]],
    ["series?match[]=sparse&end=1700000000", []],
  ])("%s", async (path, data) => {
    expect(await get(`/api/v1/${path}`)).toEqual({ status: 200, body: { status: "success", data } });
  });

  test.each([
    ["query", 400, "bad_data", 'invalid parameter "query": 1:1: parse error: no expression found in input'],
    ["query?query=a{", 400, "bad_data", 'invalid parameter "query": 1:3: parse error: unexpected end of input'],
    ["query?query=1&time=x", 400, "bad_data", 'invalid parameter "time": cannot parse "x" to a valid timestamp'],
    [
      "query?query=histogram_sum(a)",
      400,
      "bad_data",
      'invalid parameter "query": 1:1: parse error: the function histogram_sum() is not supported by the embedded evaluator',
    ],
    ["query?query=limits%2Bon()limits", 422, "execution", like(/^found duplicate series/)],
    [
      "query_range?query=1&start=2&end=1&step=1",
      400,
      "bad_data",
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    ["query_range?query=1&start=0&end=1&step=0", 400, "bad_data", like(/zero or negative query resolution/)],
    [
      "query_range?query=1&start=0&end=1&step=x",
      400,
      "bad_data",
      'invalid parameter "step": cannot parse "x" to a valid duration',
    ],
    ["query_range?query=1&start=0&end=11001&step=1", 400, "bad_data", like(/^exceeded maximum resolution/)],
    [
      "query_range?query=1&end=1&step=1",
      400,
      "bad_data",
      'invalid parameter "start": cannot parse "" to a valid timestamp',
    ],
    ["series", 400, "bad_data", "no match[] parameter provided"],
    ["rules", 404, "not_found", "/api/v1/rules is not part of the embedded Prometheus"],
  ])("%s as %i %s", async (path, status, errorType, error) => {
    expect(await get(`/api/v1/${path}`)).toEqual({ status, body: { status: "error", errorType, error } });
  });

  test.each(["ready", "healthy"])("that it is %s", async (state) => {
    const response = await fetch(`${api.url}/-/${state}`);
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringMatching(new RegExp(`is ${state}`, "i")),
    ]);
  });
});

test("an embedded Prometheus scrapes by itself from its start to its close", async () => {
  let rounds = 0;
  let third = (): void => undefined;
  const scraped = new Promise<void>((resolve) => (third = resolve));
  const collect = (): string => {
    if (++rounds === 3) third();
    return `rounds ${rounds}`;
  };
  const prometheus = await startEmbeddedPrometheus({
    targets: () => [{ labels: { job: "self" }, collect }],
    scrapeIntervalMs: 5,
  });
  try {
    await scraped;
    const { result } = await new PrometheusDriver({ endpoint: prometheus.url }).instantQuery("rounds");
    expect(result).toMatchObject([{ metric: { labels: { job: "self" } } }]);
  } finally {
    await prometheus.close();
  }
  await expect(fetch(`${prometheus.url}/-/ready`)).rejects.toThrow();
});

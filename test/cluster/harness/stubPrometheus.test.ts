import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PrometheusAnswer, type StubPrometheus, startStubPrometheus } from "./stubPrometheus.ts";

let stub: StubPrometheus;

beforeEach(async () => {
  stub = await startStubPrometheus();
});

afterEach(() => stub.close());

describe("answers", () => {
  test.each<{ answer: PrometheusAnswer; result: unknown[] }>([
    { answer: 0.25, result: [{ metric: {}, value: [expect.any(Number), "0.25"] }] },
    { answer: Number.NaN, result: [{ metric: {}, value: [expect.any(Number), "NaN"] }] },
    { answer: Number.NEGATIVE_INFINITY, result: [{ metric: {}, value: [expect.any(Number), "-Inf"] }] },
    { answer: "empty", result: [] },
    {
      answer: { samples: [{ labels: { pod: "a" }, value: 1 }, { value: 2 }] },
      result: [
        { metric: { pod: "a" }, value: [expect.any(Number), "1"] },
        { metric: {}, value: [expect.any(Number), "2"] },
      ],
    },
  ])("$answer comes as a vector, by GET and by POST", async ({ answer, result }) => {
    stub.answer("errors", answer);
    const expected = { status: 200, body: { status: "success", data: { resultType: "vector", result } } };
    expect(await get("sum(errors)")).toEqual(expected);
    expect(await post("sum(errors)")).toEqual(expected);
  });

  test("an HTTP error has Prometheus's body, or the given one", async () => {
    stub.answer("a", { httpStatus: 422, errorType: "execution", error: "too many samples" });
    stub.answer("b", { httpStatus: 502, body: "<html>bad gateway</html>" });
    const body = { status: "error", errorType: "execution", error: "too many samples" };
    expect(await get("a")).toEqual({ status: 422, body });
    const response = await fetch(`${stub.url}/api/v1/query?query=b`);
    expect([response.status, await response.text()]).toEqual([502, "<html>bad gateway</html>"]);
  });

  test("the newest matching answer counts, functions see the query, and nothing matching is empty", async () => {
    stub.answer(/.*/, 1);
    stub.answer("latency", (query) => query.length);
    expect(valueOf(await get("rate(errors[1m])"))).toBe("1");
    expect(valueOf(await get("latency"))).toBe("7");
    await stub.reset();
    expect(valueOf(await get("latency"))).toBeUndefined();
  });
});

describe("failures", () => {
  test("a hanging query holds until the client gives up", async () => {
    stub.answer("slow", "hang");
    const failure = fetch(`${stub.url}/api/v1/query?query=slow`, { signal: AbortSignal.timeout(50) });
    await expect(failure).rejects.toThrow(/abort|timeout/i);
    expect(stub.queries("slow")).toHaveLength(1);
  });

  test("a reset query loses its connection", async () => {
    stub.answer("cut", "reset");
    await expect(get("cut")).rejects.toMatchObject({ cause: { code: "UND_ERR_SOCKET" } });
  });

  test("connections are refused and accepted again on the same address", async () => {
    stub.answer("up", 1);
    await stub.refuseConnections();
    await expect(get("up")).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    await stub.acceptConnections();
    expect(valueOf(await get("up"))).toBe("1");
  });
});

test("queries are recorded with method and headers", async () => {
  await get("sum(errors)");
  await post("latency");
  expect(stub.queries().map(({ query, method }) => [method, query])).toEqual([
    ["GET", "sum(errors)"],
    ["POST", "latency"],
  ]);
  expect(stub.queries("errors")).toHaveLength(1);
  expect(stub.queries()[0]?.headers["authorization"]).toBe("Bearer secret");
});

interface Answer {
  readonly status: number;
  readonly body: { readonly data?: { readonly result: { readonly value: [number, string] }[] } };
}

async function get(query: string): Promise<Answer> {
  const headers = { authorization: "Bearer secret" };
  return answerOf(await fetch(`${stub.url}/api/v1/query?${new URLSearchParams({ query })}`, { headers }));
}

async function post(query: string): Promise<Answer> {
  return answerOf(await fetch(`${stub.url}/api/v1/query`, { method: "POST", body: new URLSearchParams({ query }) }));
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

function valueOf({ body }: Answer): string | undefined {
  return body.data?.result[0]?.value[1];
}

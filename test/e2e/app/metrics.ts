/** The program's own metrics; written by hand because a pod must start in a moment. */
export interface Metrics {
  /** An answer; whether it was an order that succeeded is another question than its status. */
  count(answer: Answered): void;
  /** In Prometheus's text format. */
  text(): string;
}

export interface Answered {
  readonly code: number;
  readonly ordered: boolean;
  readonly seconds: number;
}

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const byCode = new Map([[200, 0]]);
  const buckets = BUCKETS.map((bound) => ({ bound, count: 0 }));
  const orders = { ok: 0, failed: 0 };
  let sum = 0;
  let total = 0;
  return {
    count: ({ code, ordered, seconds }) => {
      orders[ordered ? "ok" : "failed"] += 1;
      byCode.set(code, (byCode.get(code) ?? 0) + 1);
      for (const bucket of buckets) if (seconds <= bucket.bound) bucket.count += 1;
      sum += seconds;
      total += 1;
    },
    text: () =>
      [
        "# TYPE http_requests_total counter",
        ...[...byCode].map(([code, count]) => `http_requests_total{code="${code}"} ${count}`),
        "# TYPE orders_total counter",
        ...Object.entries(orders).map(([result, count]) => `orders_total{result="${result}"} ${count}`),
        "# TYPE http_request_duration_seconds histogram",
        ...buckets.map(({ bound, count }) => `http_request_duration_seconds_bucket{le="${bound}"} ${count}`),
        `http_request_duration_seconds_bucket{le="+Inf"} ${total}`,
        `http_request_duration_seconds_sum ${sum}`,
        `http_request_duration_seconds_count ${total}`,
        "",
      ].join("\n"),
  };
}

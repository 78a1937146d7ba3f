/** What a pod's program is told by its environment. Times are milliseconds. */
export interface Settings {
  /** VERSION, else the tag of IMAGE. */
  readonly version: string;
  readonly pod: string;
  readonly address: string;
  readonly port: number;
  /** ERROR_RATE, 0 to 1: so many answers are errors. */
  readonly errorRate: number;
  /** ERROR_STATUS of errors (500 when left out): with 200 nothing but the body and `orders_total` tells them. */
  readonly errorStatus: number;
  /** LATENCY_MS of every answer. */
  readonly latencyMs: number;
  /** SLOW_RATE, 0 to 1: so many answers take SLOW_MS instead. */
  readonly slowRate: number;
  readonly slowMs: number;
  /** DEPENDENCY is a URL that every answer needs: without its 200 the answer is an error. */
  readonly dependency: string | undefined;
  /** START_DELAY_MS until it listens. */
  readonly startDelayMs: number;
  /** READY_AFTER_MS: until then `/readyz` says no. */
  readonly readyAfterMs: number;
  /** READY=false: `/readyz` never says yes. UNREADY_IN=web-primary: so it is in pods whose names begin like that. */
  readonly ready: boolean;
  /** CRASH=error ends with code 1, CRASH=oom by SIGKILL, CRASH_AFTER_MS after it listens (0 when left out). */
  readonly crash: "error" | "oom" | undefined;
  readonly crashAfterMs: number;
  /** EXIT_CODE: it is the program of a Job and ends with this code EXIT_AFTER_MS after its start (0 when left out). */
  readonly exitCode: number | undefined;
  readonly exitAfterMs: number;
  /** QUIET_MS without a request end the draining after SIGTERM (600 when left out), LINGER_MS at the latest (10 000). */
  readonly quietMs: number;
  readonly lingerMs: number;
}

/** Throws when a value is not what its name promises. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const number = (name: string, fallback: number): number => {
    const value = Number(env[name] ?? fallback);
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number of at least 0`);
    return value;
  };
  const crash = env["CRASH"];
  if (crash !== undefined && crash !== "error" && crash !== "oom") throw new Error("CRASH must be error or oom");
  return {
    version: env["VERSION"] ?? env["IMAGE"]?.split(":").at(-1) ?? "unknown",
    pod: env["POD_NAME"] ?? "",
    address: env["POD_IP"] ?? "127.0.0.1",
    port: number("PORT", 8080),
    errorRate: number("ERROR_RATE", 0),
    errorStatus: number("ERROR_STATUS", 500),
    latencyMs: number("LATENCY_MS", 0),
    slowRate: number("SLOW_RATE", 0),
    slowMs: number("SLOW_MS", 0),
    dependency: env["DEPENDENCY"],
    startDelayMs: number("START_DELAY_MS", 0),
    readyAfterMs: number("READY_AFTER_MS", 0),
    ready: env["READY"] !== "false" && !(env["POD_NAME"] ?? "").startsWith(`${env["UNREADY_IN"] ?? "no pod"}-`),
    crash,
    crashAfterMs: number("CRASH_AFTER_MS", 0),
    exitCode: env["EXIT_CODE"] === undefined ? undefined : number("EXIT_CODE", 0),
    exitAfterMs: number("EXIT_AFTER_MS", 0),
    quietMs: number("QUIET_MS", 600),
    lingerMs: number("LINGER_MS", 10_000),
  };
}

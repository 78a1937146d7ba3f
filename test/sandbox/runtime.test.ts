import { createServer, request as httpRequest, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "../../src/kube/objects.ts";
import { behaviourOf } from "../../src/sandbox/runtime/behaviour.ts";
import { createHttpRuntime, type HttpRuntime } from "../../src/sandbox/runtime/httpRuntime.ts";
import { createLoopback } from "../../src/sandbox/runtime/loopback.ts";
import type { RunningPod } from "../../src/sandbox/runtime/podRuntime.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { podSpec, type DeploymentWish } from "./world.ts";

let runtime: HttpRuntime;

beforeEach(() => {
  runtime = createHttpRuntime({ random: Math.random });
});

afterEach(async () => {
  await runtime.stop();
});

const aPod = (wish: DeploymentWish = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-1", namespace: "default" },
  spec: podSpec(wish),
});

async function start(env: Record<string, string> = {}): Promise<{ pod: RunningPod; url: string }> {
  const wish = aPod({ env: { LATENCY_MS: "1", ...env } });
  const pod = await runtime.start(wish, behaviourOf(wish));
  const { host, port } = runtime.dial(pod.ip, 8080);
  return { pod, url: `http://${host}:${port}` };
}

describe("the behaviour of a pod", () => {
  it.each([
    { wish: {}, read: { version: "1", errorRate: 0, ready: true, crash: false, ports: [8080], imageMissing: false } },
    { wish: { env: { ERROR_RATE: "0.3", LATENCY_MS: "20" } }, read: { errorRate: 0.3, latencyMs: 20 } },
    { wish: { env: { ERROR_RATE: "7", LATENCY_MS: "soon" } }, read: { errorRate: 1, latencyMs: 5 } },
    { wish: { env: { READY: "false", CRASH: "true" } }, read: { ready: false, crash: true } },
    { wish: { image: "example/missing:2" }, read: { imageMissing: true } },
  ])("with $wish is $read", ({ wish, read }) => {
    expect(behaviourOf(aPod(wish))).toMatchObject(read);
  });

  it("has the tag of its image as version when none is set", () => {
    const pod = aPod();
    const containers = [{ name: "web", image: "example/web:1.2.3" }];
    expect(behaviourOf({ ...pod, spec: { containers } })).toMatchObject({ version: "1.2.3", ports: [8080] });
  });
});

describe("a pod that is an HTTP server", () => {
  it("answers with its version and counts what it answered", async () => {
    const { url } = await start();
    const answer = await fetch(url);
    expect(answer.headers.get("x-version")).toBe("1");
    expect(await answer.json()).toEqual({ version: "1", pod: "web-1" });
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('http_requests_total{code="200"} 1');
    expect(text).toContain("http_request_duration_seconds_count 1");
  });

  it("fails the share of requests that its error rate says", async () => {
    const { url } = await start({ ERROR_RATE: "1" });
    expect((await fetch(url)).status).toBe(500);
    expect(runtime.targets()[0]?.log()).toContain("GET /: 500");
  });

  it("finishes requests in flight when it is ended, and takes no new ones", async () => {
    const { pod, url } = await start({ LATENCY_MS: "150" });
    const inFlight = fetch(url);
    await new Promise<void>((resolve) => {
      const probe = httpRequest(`${url}/metrics`, { agent: false }, (answer) => {
        answer.resume().once("end", resolve);
      });
      probe.end();
    });
    const stopping = pod.stop(5_000);
    expect((await inFlight).status).toBe(200);
    await stopping;
    await expect(fetch(url)).rejects.toThrow();
  });

  it("cuts requests that outlast its grace period", async () => {
    const { pod, url } = await start({ LATENCY_MS: "60000" });
    const inFlight = fetch(url);
    inFlight.catch(() => undefined);
    await (await fetch(`${url}/metrics`)).text();
    await pod.stop(0);
    await expect(inFlight).rejects.toThrow();
  });

  it("has an address of its own, so that all pods can have the same port", async () => {
    const urls = (await Promise.all([start(), start(), start()])).map(({ url }) => url);
    expect(new Set(urls).size).toBe(3);
  });
});

describe("where loopback addresses cannot be had", () => {
  it.each(["EADDRNOTAVAIL", "EACCES"])(
    "a pod after %s is reached through 127.0.0.1 under its own address",
    async (code) => {
      const refusing = (): Server => {
        const server = createServer((_request, response) => response.end("here"));
        const listen = server.listen.bind(server) as (port: number, host: string, done: () => void) => Server;
        return Object.assign(server, {
          listen(port: number, host: string, done: () => void): Server {
            if (host === "127.0.0.1") return listen(port, host, done);
            queueMicrotask(() => server.emit("error", Object.assign(new Error(code), { code })));
            return server;
          },
        });
      };
      const loopback = createLoopback(seededRandom(1));
      const { ip, servers } = await loopback.bind([80], refusing);
      const { host, port } = loopback.dial(ip, 80);
      expect(host).toBe("127.0.0.1");
      expect(await (await fetch(`http://${host}:${port}`)).text()).toBe("here");
      for (const server of servers) server.close();
    },
  );
});

import { type Client, createClient } from "./client.ts";
import { type Endpoint, followEndpoints } from "./endpoints.ts";
import type { Job, Target } from "./job.ts";
import { createTally, type Tally } from "./tally.ts";
import { createUsers, type Users } from "./users.ts";

// A load generator as a process of its own: `node generate.ts '<job as JSON>'`. SIGTERM ends it: it waits for what is
// under way, and writes its last counts.

const TICK_MS = 5;
const SNAPSHOT_MS = 250;
const MOST_IN_FLIGHT = 1000;
/** After a stall of the machine it does not make up for more than this. */
const MOST_CATCH_UP_MS = 500;

const job = JSON.parse(process.argv[2] ?? "") as Job;
const client = createClient(job, await pickFrom(job.target));
const tally = createTally(job);
const stop = run({ client, tally, users: createUsers(job.users) });
process.once("SIGTERM", () => void stop());
setTimeout(() => void stop(), job.maxSeconds * 1000);

async function pickFrom(target: Target): Promise<() => Endpoint | undefined> {
  if (target.kind === "address") return () => target;
  const endpoints = await followEndpoints(target);
  return () => endpoints.pick();
}

interface Generator {
  readonly client: Client;
  readonly tally: Tally;
  readonly users: Users;
}

function run({ client, tally, users }: Generator): () => Promise<void> {
  const inFlight = new Set<Promise<void>>();
  let [due, fresh, lastMs] = [0, 0, performance.now()];
  const send = (): void => {
    tally.sent();
    fresh += job.freshShare;
    const own = fresh >= 1;
    if (own) fresh -= 1;
    const user = users.next();
    const answered = client.ask(own ? "fresh" : "kept", user?.headers()).then((answer) => {
      inFlight.delete(answered);
      const before = user?.saw(answer);
      if (before !== undefined && answer.version !== undefined) tally.moved(before, answer.version);
      tally.answered(answer);
    });
    inFlight.add(answered);
  };
  const timer = setInterval(() => {
    const nowMs = performance.now();
    due += (Math.min(nowMs - lastMs, MOST_CATCH_UP_MS) * job.rps) / 1000;
    lastMs = nowMs;
    for (; due >= 1; due -= 1) {
      if (tally.counts().sent >= job.maxRequests) void stop();
      else if (inFlight.size < MOST_IN_FLIGHT) send();
      else tally.skipped();
    }
  }, TICK_MS);
  const snapshots = setInterval(() => tally.write("snapshot"), SNAPSHOT_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(inFlight);
    clearInterval(snapshots);
    tally.write("end");
    process.exit(0);
  };
}

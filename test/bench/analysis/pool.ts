import { Worker } from "node:worker_threads";
import type { Done, Task } from "./worker.ts";

/** Performs the tasks on `threads` worker threads; the answers are in the order of the tasks. */
export async function performAll(tasks: readonly Task[], threads: number): Promise<Done[]> {
  const answers: Done[] = [];
  const waiting = [...tasks];
  const workers = Array.from({ length: Math.min(threads, tasks.length) }, () => {
    return new Worker(new URL("./worker.ts", import.meta.url));
  });
  try {
    await Promise.all(workers.map((worker) => work(worker, waiting, answers)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return answers.sort((a, b) => a.id - b.id);
}

function work(worker: Worker, waiting: Task[], answers: Done[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = () => {
      const task = waiting.shift();
      if (task === undefined) resolve();
      else worker.postMessage(task);
    };
    worker.on("message", (done: Done) => {
      answers.push(done);
      next();
    });
    worker.on("error", reject);
    next();
  });
}

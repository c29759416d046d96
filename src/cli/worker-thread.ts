/**
 * The thread in which a process runs its handlers, apart from its servers: a handler that blocks stops neither the API nor the
 * queue. Entry point; worker-host.ts is its other end.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { ToWorkerThread, WorkerThreadData } from "./worker-host.ts";
import { startWorkerRun } from "./worker-run.ts";

const run = await startWorkerRun(workerData as WorkerThreadData, (now) => parentPort?.postMessage(now));

parentPort?.on("message", async (message: ToWorkerThread) => {
  await run.drain(message.drainMs);
  parentPort?.close();
});

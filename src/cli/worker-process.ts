/** A worker process of `up --autoscale`. Entry point; local-fleet.ts is its other end, without which it ends too. */
import type { ToWorkerThread, WorkerThreadData } from "./worker-host.ts";
import { startWorkerRun, type WorkerRun } from "./worker-run.ts";

let starting: Promise<WorkerRun> | undefined;

process.on("message", async (message: WorkerThreadData | ToWorkerThread) => {
  if ("config" in message) {
    starting = startWorkerRun(message, (now) => process.send?.(now));
    return;
  }
  // It may come twice: of a scale, which is patient, and of a mesh that ends.
  await (await starting)?.drain(message.drainMs);
  if (process.connected) process.disconnect();
});
// Ctrl-C in a terminal goes to every process of it: the mesh says when its workers end.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
// Whoever started it has died: nobody is left to say so.
process.on("disconnect", () => process.exit(0));

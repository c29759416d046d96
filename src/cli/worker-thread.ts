/**
 * The thread in which a process runs its handlers, apart from its servers: a handler that blocks stops neither the API nor the
 * queue. Entry point; worker-host.ts is its other end.
 */
import { parentPort, workerData } from "node:worker_threads";
import { WorkerPool } from "../agent/worker-pool.ts";
import { createLogger } from "../core/log.ts";
import { openSandbox } from "../sandbox/open.ts";
import { loadRoles } from "./load-roles.ts";
import { logDestination } from "./log-file.ts";
import type { FromWorkerThread, ToWorkerThread, WorkerThreadData } from "./worker-host.ts";

const data = workerData as WorkerThreadData;
const { config } = data;
const log = createLogger({ ...config.log, destination: logDestination(data.logFile) });
const roles = (await loadRoles(config.roles.modules)).filter((role) => data.roles.includes(role.name));

let opening: ReturnType<typeof openSandbox> | undefined;
const sandbox = () => {
  opening ??= openSandbox({
    allowUncontained: config.sandbox.allowUncontained,
    // Other tenants' tasks, for one, are nothing for a repository's command to read.
    hide: [config.data.dir],
    limits: {
      memoryBytes: config.sandbox.memoryMb * 1_048_576,
      timeMs: config.sandbox.timeoutSeconds * 1_000,
    },
  });
  return opening;
};

const pool = new WorkerPool({
  roles,
  address: data.address,
  processId: data.processId,
  version: data.version,
  concurrency: config.worker.concurrency,
  labels: config.worker.labels,
  sandbox,
  log,
});
pool.start();

/** Between looks at which workers are connected. */
const tellMs = 50;
let told: string | undefined;
const telling = setInterval(() => {
  const disconnected = pool.disconnected();
  if (disconnected.join() === told) return;
  told = disconnected.join();
  parentPort?.postMessage({ disconnected } satisfies FromWorkerThread);
}, tellMs);

parentPort?.on("message", async (message: ToWorkerThread) => {
  clearInterval(telling);
  await pool.drain(message.drainMs);
  parentPort?.close();
});

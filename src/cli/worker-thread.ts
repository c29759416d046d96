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

/** Between looks at which workers are connected, and what they do. */
const tellMs = 50;
let told: string | undefined;
const tell = () => {
  const now: FromWorkerThread = { disconnected: pool.disconnected(), loads: pool.loads() };
  const running = [...now.loads.values()].map(({ tasksRunning }) => tasksRunning);
  const text = `${now.disconnected} ${running}`;
  if (text === told) return;
  told = text;
  parentPort?.postMessage(now);
};
const telling = setInterval(tell, tellMs);

parentPort?.on("message", async (message: ToWorkerThread) => {
  await pool.drain(message.drainMs);
  clearInterval(telling);
  parentPort?.close();
});

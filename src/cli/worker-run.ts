/** Runs the handlers of some roles in this thread or process, and tells its other end how it goes. */
import { WorkerPool } from "../agent/worker-pool.ts";
import { createLogger } from "../core/log.ts";
import { openSandbox } from "../sandbox/open.ts";
import { loadRoles } from "./load-roles.ts";
import { logDestination } from "./log-file.ts";
import type { FromWorkerThread, WorkerThreadData } from "./worker-host.ts";

export interface WorkerRun {
  /** Lets running tasks end for at most `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

/** Between looks at which workers are connected, and what they do. */
const tellMs = 50;

export async function startWorkerRun(
  data: WorkerThreadData,
  tell: (now: FromWorkerThread) => void,
): Promise<WorkerRun> {
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
  let told: string | undefined;
  const telling = setInterval(() => {
    const now: FromWorkerThread = { disconnected: pool.disconnected(), loads: pool.loads() };
    const running = [...now.loads.values()].map(({ tasksRunning }) => tasksRunning);
    const text = `${now.disconnected} ${running}`;
    if (text === told) return;
    told = text;
    tell(now);
  }, tellMs);
  return {
    async drain(timeoutMs) {
      await pool.drain(timeoutMs);
      clearInterval(telling);
    },
  };
}

/** The servers' end of the thread that runs handlers: starts it, starts it again if it dies, and drains it. */
import { hostname } from "node:os";
import { extname } from "node:path";
import { Worker as Thread } from "node:worker_threads";
import type { WorkerLoad } from "../agent/instance-load.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import { uniqueId } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";

export interface WorkerThreadData {
  readonly config: Config;
  /** Names of the roles to work for. */
  readonly roles: readonly string[];
  readonly address: string;
  readonly processId: string;
  readonly version: string;
  /** Where the thread logs; default: stderr. */
  readonly logFile?: string;
}

/** Drain, then end. */
export interface ToWorkerThread {
  readonly drainMs: number;
}

export interface FromWorkerThread {
  readonly disconnected: readonly string[];
  readonly loads: ReadonlyMap<string, WorkerLoad>;
}

export interface WorkerHostOptions extends Omit<WorkerThreadData, "processId"> {
  readonly log: Logger;
}

/** Before a thread that died is started again. */
const restartMs = 1_000;

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  #thread: Thread | undefined;
  #disconnected: readonly string[];
  #loads: ReadonlyMap<string, WorkerLoad> = new Map();
  #draining = false;
  #ended = Promise.withResolvers<void>();

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#disconnected = options.roles;
    this.#start();
  }

  /** Roles whose worker has no stream to the mesh right now. */
  get disconnected(): readonly string[] {
    return this.#disconnected;
  }

  /** What each role's worker does, as it was a moment ago. */
  get loads(): ReadonlyMap<string, WorkerLoad> {
    return this.#loads;
  }

  /** Lets running tasks end for at most `timeoutMs`; the rest go back to their queues. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    if (this.#thread === undefined) return;
    this.#thread.postMessage({ drainMs: timeoutMs } satisfies ToWorkerThread);
    // A handler that blocks the thread cannot hear; its leases expire by themselves.
    const late = setTimeout(() => void this.#thread?.terminate(), timeoutMs + 2_000);
    await this.#ended.promise;
    clearTimeout(late);
  }

  #start(): void {
    const { config, roles, address, version, log, logFile } = this.#options;
    const entry = new URL(`./worker-thread${extname(import.meta.filename)}`, import.meta.url);
    const processId = `${hostname()}-${process.pid}-${uniqueId(systemClock.now()).slice(-4)}`;
    const workerData: WorkerThreadData = { config, roles, address, processId, version, logFile };
    const thread = new Thread(entry, { workerData });
    this.#thread = thread;
    thread.on("message", (message: FromWorkerThread) => {
      this.#disconnected = message.disconnected;
      this.#loads = message.loads;
    });
    thread.on("error", (error) =>
      log.error({ error: String(error?.stack ?? error) }, "the thread of the handlers died"),
    );
    thread.on("exit", () => {
      this.#thread = undefined;
      this.#disconnected = roles;
      this.#loads = new Map();
      if (this.#draining) return this.#ended.resolve();
      log.warn(
        { restartMs },
        "starting the thread of the handlers again; what it ran is tried again when its leases expire",
      );
      setTimeout(() => this.#draining || this.#start(), restartMs).unref();
    });
  }
}

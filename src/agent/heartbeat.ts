/** The worker's end of the thread that renews its leases. */
import { extname } from "node:path";
import { Worker as Thread } from "node:worker_threads";

export interface HeldTerm {
  readonly taskId: string;
  readonly fence: number;
}

/** Leases to take up, and to let go of. */
export interface ToHeartbeat {
  readonly role: string;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly hold: readonly HeldTerm[];
  readonly drop: readonly HeldTerm[];
}

export interface FromHeartbeat {
  /** `agoMs`: how long ago the renewal that is now answered was sent. */
  readonly renewed: { taskId: string; fence: number; agoMs: number }[];
  /** Leases whose renewal was refused; `canceled`: since the task was. */
  readonly lost: { taskId: string; fence: number; canceled: boolean }[];
}

export class Heartbeat {
  readonly #thread: Thread;
  readonly #listeners = new Set<(news: FromHeartbeat) => void>();

  /** `address`: the server that renewals go to. */
  constructor(address: string) {
    const entry = new URL(`./heartbeat-thread${extname(import.meta.filename)}`, import.meta.url);
    this.#thread = new Thread(entry, { workerData: { address } });
    this.#thread.unref();
    this.#thread.on("message", (news: FromHeartbeat) => {
      for (const listener of this.#listeners) listener(news);
    });
  }

  onNews(listener: (news: FromHeartbeat) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(message: ToHeartbeat): void {
    this.#thread.postMessage(message);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

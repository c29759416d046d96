/** Follows tasks' logs: first what the store keeps, then what comes, from any sequence and on any server. */
import type { LogPage, LogRecord, QueueStore, StoreSignal, TaskRecord } from "./store.ts";
import { isFinal } from "./task.ts";

export type WatchEvent =
  | { readonly kind: "entry"; readonly entry: LogRecord }
  /** These sequences were trimmed. */
  | { readonly kind: "gap"; readonly from: number; readonly to: number }
  /** The task is final and its log is told in full; nothing follows. */
  | { readonly kind: "final"; readonly task: TaskRecord }
  /** There is no such task, or not any more; nothing follows. */
  | { readonly kind: "missing" };

const pageSize = 500;
/** Signals are hints; after this long without one a watcher looks by itself. */
const pollMs = 2_000;

export class LogWatch {
  readonly #store: Pick<QueueStore, "readLog">;
  readonly #get: (id: string) => Promise<TaskRecord | undefined>;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(store: Pick<QueueStore, "readLog">, get: (id: string) => Promise<TaskRecord | undefined>) {
    this.#store = store;
    this.#get = get;
  }

  /** Told of tasks whose log changed; looks at them only where somebody waits. */
  signaled(signal: Pick<StoreSignal, "changed">): void {
    if (this.#waiting.size === 0) return;
    for (const id of signal.changed) for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  close(): void {
    for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
  }

  async *follow(taskId: string, from: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    let next = Math.max(1, from);
    while (!signal.aborted) {
      const change = this.#nextChange(taskId, signal);
      try {
        const page = await this.#store.readLog({ taskId, from: next, limit: pageSize });
        if (page === undefined) return yield { kind: "missing" };
        if (page.firstKept > next) yield { kind: "gap", from: next, to: page.firstKept - 1 };
        next = Math.max(next, page.firstKept);
        for (const entry of page.entries) yield { kind: "entry", entry };
        next = (page.entries.at(-1)?.sequence ?? next - 1) + 1;
        if (isTold(page, next)) {
          if (!isFinal(page.state)) {
            await change.arrived;
            continue;
          }
          const task = await this.#get(taskId);
          return yield task === undefined ? { kind: "missing" } : { kind: "final", task };
        }
      } finally {
        change.forget();
      }
    }
  }

  /** Registered before the log is read, so that no change slips between the reading and the waiting. */
  #nextChange(taskId: string, signal: AbortSignal): { arrived: Promise<void>; forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const wakes = this.#waiting.get(taskId) ?? new Set();
    this.#waiting.set(taskId, wakes.add(wake));
    const timer = setTimeout(wake, pollMs).unref();
    signal.addEventListener("abort", wake, { once: true });
    const forget = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      wakes.delete(wake);
      if (wakes.size === 0) this.#waiting.delete(taskId);
    };
    return { arrived: promise, forget };
  }
}

function isTold(page: LogPage, next: number): boolean {
  return next > page.lastSequence;
}

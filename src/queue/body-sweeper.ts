/**
 * Deletes bodies that no task carries: of tasks that retention has deleted, and of calls that ended between the writing of a
 * body and that of its task. It goes through the body store page by page, for ever, and looks for each body's task. Bodies
 * younger than a day are passed over, since their task may be on its way; nothing that a task carries is ever touched,
 * however old. What the mesh did not write, by its name, stays.
 */
import type { Clock } from "../core/clock.ts";
import { timeOf } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { type BodyStore, ownerOf } from "./bodies.ts";
import type { Queue } from "./queue.ts";
import type { TaskRecord } from "./store.ts";

export interface BodySweeperOptions {
  readonly bodies: BodyStore;
  readonly queue: Pick<Queue, "getAll">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How old a body is before it can be taken for an orphan. Default: a day, far above the deadline of any call. */
  readonly graceMs?: number;
}

const graceMsDefault = 24 * 3_600_000;
const pageMax = 1_000;
/** Tasks that are read at once: each may have some hundred kilobytes. */
const tasksMax = 50;
const pageMs = 5_000;
/** Between the end of the body store and its beginning. */
const restMs = 600_000;
const firstMs = 60_000;

export class BodySweeper {
  readonly #options: BodySweeperOptions;
  #cursor: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  #running = false;
  #failing = false;

  constructor(options: BodySweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#plan(firstMs);
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  /** Looks at the next page; `deleted` of it carried no task's payload. Past the last page it begins anew. */
  async sweepPage(): Promise<{ readonly deleted: number; readonly isLast: boolean }> {
    const { bodies } = this.#options;
    const { names, cursor } = await bodies.list({ limit: pageMax, cursor: this.#cursor });
    const orphans = await this.#orphansOf(names);
    if (orphans.length > 0) await bodies.delete(orphans);
    this.#cursor = cursor;
    return { deleted: orphans.length, isLast: cursor === undefined };
  }

  async #orphansOf(names: readonly string[]): Promise<string[]> {
    const { queue, clock, graceMs = graceMsDefault } = this.#options;
    const writtenMsMax = clock.now() - graceMs;
    const byTask = new Map<string, string[]>();
    for (const name of names) {
      const owner = ownerOf(name);
      if (owner === undefined || timeOf(owner.unique) > writtenMsMax) continue;
      byTask.set(owner.taskId, [...(byTask.get(owner.taskId) ?? []), name]);
    }
    const ids = [...byTask.keys()];
    const orphans: string[] = [];
    for (let from = 0; from < ids.length; from += tasksMax) {
      const some = ids.slice(from, from + tasksMax);
      const tasks = await queue.getAll(some);
      for (const [index, id] of some.entries())
        orphans.push(...(byTask.get(id) ?? []).filter((name) => !carries(tasks[index], name)));
    }
    return orphans;
  }

  #plan(pauseMs: number): void {
    this.#timer = setTimeout(() => {
      this.#sweeping = this.#sweep();
    }, pauseMs).unref();
  }

  async #sweep(): Promise<void> {
    let pauseMs = restMs;
    try {
      const { deleted, isLast } = await this.sweepPage();
      if (deleted > 0) this.#options.log.debug({ deleted }, "bodies that no task carries were deleted");
      if (!isLast) pauseMs = pageMs;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.#options.log.warn({ error: String(error) }, "the body store cannot be swept; trying on");
      this.#failing = true;
    }
    if (this.#running) this.#plan(pauseMs);
  }
}

/** Names are unique and stand in the reference as they are, so a task's bytes need not be decoded. */
function carries(task: TaskRecord | undefined, name: string): boolean {
  return [task?.spec, task?.output, task?.resumeState].some(
    (bytes) =>
      bytes !== undefined && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(name),
  );
}

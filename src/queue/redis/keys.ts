/**
 * The names of every key. What belongs to a queue begins with `am:{queue}:`, so that one hash slot holds it and each script
 * runs on Redis Cluster as it is; the scripts append these suffixes themselves:
 *
 *   q            hash     the queue's numbers: see lua/include/commit.lua
 *   t:UNIQUE     hash     a task: see pack.ts
 *   l:UNIQUE     list     its log, once that has outgrown the task's hash
 *   c:UNIQUE     set      children that wait for it
 *   p:UNIQUE     hash     parents that it waits for, or that failed it: id → condition (S, F)
 *   r, r:N       the ready line, by priority, then by arrival     f, f:N   final tasks, by end
 *   n, n:N       all tasks, by creation                           x        zset, dead letters by creation
 *   s            zset     SCHEDULED tasks by due time             e        zset, leases by expiry
 *   o            zset     the outbox of effects on other tasks
 *
 * A line (r, f, n) is a zset of bucket numbers, and a hash of up to 64 neighbours for each.
 */
import { queueOf } from "../../core/ids.ts";

export class Keys {
  /** The names of queues that were ever used: the one key outside the queues' slots. */
  readonly queues: string;
  /** The channel of signals. */
  readonly signals: string;
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.queues = `${prefix}:queues`;
    this.signals = `${prefix}:signals`;
  }

  queue(queue: string): string {
    return `${this.#prefix}:{${queue}}:`;
  }

  outbox(queue: string): string {
    return `${this.queue(queue)}o`;
  }

  /** Undefined where the id names no queue. */
  task(id: string): string | undefined {
    const queue = queueOf(id);
    return queue === undefined ? undefined : `${this.queue(queue)}t:${uniqueOf(id)}`;
  }
}

/** A task's id without its queue. */
export function uniqueOf(id: string): string {
  return id.slice(id.indexOf(".") + 1);
}

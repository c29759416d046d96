/** Opens stores on a private server, for the tests of what the contract suite does not see. */

import type { NamedTask } from "../../../src/queue/named.ts";
import { openRedisStore, type RedisStoreOptions } from "../../../src/queue/redis/store.ts";
import type { QueueStore, StoreLimits } from "../../../src/queue/store.ts";
import { lease, newTask } from "../../support/tasks.ts";

export const limits: StoreLimits = {
  queueTasksMax: 1_000_000,
  logEntriesMax: 10_000,
  retentionMs: 3_600_000,
  retentionTasksMax: 1_000_000,
};

export interface Opening extends Partial<Omit<RedisStoreOptions, "url" | "limits">> {
  readonly limits?: Partial<StoreLimits>;
}

export function openAt(url: string, { limits: own, ...options }: Opening = {}): Promise<QueueStore> {
  return openRedisStore({ url, limits: { ...limits, ...own }, ...options });
}

export function manyTasks(queue: string, count: number, parts: Partial<NamedTask> = {}): NamedTask[] {
  return Array.from({ length: count }, () => newTask(queue, parts));
}

/** Leases every task of the queue and ends it well. */
export async function drain(store: QueueStore, queue: string): Promise<number> {
  let ended = 0;
  for (;;) {
    const tasks = await lease(store, queue, { max: 100 });
    if (tasks.length === 0) return ended;
    const output = new Uint8Array(8);
    await store.finish(
      tasks.map(({ id, fence }) => ({ taskId: id, fence, result: { kind: "succeeded", output } })),
    );
    ended += tasks.length;
  }
}

/** The reason that a call was rejected with, and how long that took. */
export async function rejection(
  call: Promise<unknown>,
): Promise<{ reason: string; ms: number; message: string }> {
  const began = performance.now();
  try {
    await call;
  } catch (error) {
    const { reason = "", message } = error as { reason?: string; message: string };
    return { reason, message, ms: performance.now() - began };
  }
  throw new Error("the call was not rejected");
}

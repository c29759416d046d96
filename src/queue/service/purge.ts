/** Deletes a queue's tasks page by page, the newest first; what comes in meanwhile stays. */
import type { Queue } from "../queue.ts";
import type { TaskState } from "../task.ts";
import { isFinal } from "../task.ts";

export interface PurgeOrder {
  readonly role: string;
  /** Empty: every state. */
  readonly states: readonly TaskState[];
  readonly deadLetter: boolean;
}

/** Records carry their inputs and outputs, so a page has to be small. */
const pageSize = 100;

/** How many were deleted; less than all when `signal` aborted meanwhile. */
export async function purge(
  queue: Queue,
  { role, states, deadLetter }: PurgeOrder,
  signal: AbortSignal,
): Promise<number> {
  let purged = 0;
  let cursor: string | undefined;
  do {
    const page = await queue.list({
      queues: [role],
      states,
      deadLetter: deadLetter || undefined,
      limit: pageSize,
      cursor,
    });
    const unfinished = page.tasks.filter(({ state }) => !isFinal(state));
    await queue.cancelAll(unfinished.map(({ id }) => ({ taskId: id, reason: "its queue is purged" })));
    const removed = await queue.remove(page.tasks.map(({ id }) => id));
    purged += removed.filter(Boolean).length;
    cursor = page.cursor;
  } while (cursor !== undefined && !signal.aborted);
  return purged;
}

/** A page of a list that fits in a message: where the store's page has too many bytes, it is asked for a shorter one. */
import { type ListTasksResponse, Task } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { limits } from "../../core/limits.ts";
import type { Queue } from "../queue.ts";
import type { ListQuery } from "../store.ts";
import { taskOf } from "./convert.ts";

export async function pageOf(queue: Queue, query: ListQuery): Promise<ListTasksResponse> {
  for (let { limit } = query; ; ) {
    const page = await queue.list({ ...query, limit });
    const tasks = page.tasks.map((record) => taskOf(record, false));
    const fitting = countFitting(tasks);
    // A cursor is the store's own, and stands after a page's last task: a shorter page has to come from the store.
    if (fitting === tasks.length) return { tasks, nextPageToken: page.cursor ?? "" };
    limit = Math.max(1, fitting);
  }
}

/** One at least: a single task is well below what a message holds. */
function countFitting(tasks: readonly Task[]): number {
  let bytes = 0;
  const over = tasks.findIndex((task, index) => {
    bytes += Task.encode(task).finish().length;
    return index > 0 && bytes > limits.pageBytesMax;
  });
  return over < 0 ? tasks.length : over;
}

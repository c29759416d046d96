/** Tasks that have an id before a store takes them in. */
import { taskId, uniqueId } from "../core/ids.ts";
import type { NewTask } from "./records.ts";

export type NamedTask = NewTask & { readonly id: string };

/** The task with its id, or with a new one where it has none. */
export function named(task: NewTask, nowMs: number): NamedTask {
  const { id = taskId(task.queue, uniqueId(nowMs)) } = task;
  return { ...task, id };
}

/** Gathers what is known of a task that waits, and says why it does. */
import type { ExplainTaskResponse } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { explain, type ParentFact } from "../explain.ts";
import type { Queue } from "../queue.ts";
import type { TaskRecord } from "../store.ts";

export async function explanationOf(
  queue: Queue,
  task: TaskRecord,
  nowMs: number,
): Promise<ExplainTaskResponse> {
  const [load, [stats], parents] = await Promise.all([
    queue.load(task.queue, task.concurrencyKey),
    queue.stats([task.queue]),
    task.state === "BLOCKED" ? parentsOf(queue, task) : [],
  ]);
  const reasons = explain({ task, load, queued: stats?.counts.QUEUED ?? 0, parents, nowMs });
  return {
    state: TaskState[task.state],
    reasons: reasons.map(({ kind, message, metadata }) => ({ kind, message, metadata: { ...metadata } })),
  };
}

async function parentsOf(queue: Queue, { parents }: TaskRecord): Promise<ParentFact[]> {
  const records = await queue.getAll(parents.map(({ taskId }) => taskId));
  return parents.map(({ taskId }, index) => ({ taskId, state: records[index]?.state ?? "MISSING" }));
}

/** What the store has at the end, read through its contract alone. */
import type { QueueStore, TaskRecord } from "../../src/queue/store.ts";
import { leaseExpired, type TaskState } from "../../src/queue/task.ts";
import type { FinalQueue, FinalTask } from "./check.ts";

const pageSize = 500;
const readsAtOnce = 200;

export interface Final {
  readonly tasks: readonly FinalTask[];
  readonly queues: readonly FinalQueue[];
  readonly deadLetters: readonly string[];
}

export async function readFinal(store: QueueStore, queues: readonly string[]): Promise<Final> {
  const tasks: FinalTask[] = [];
  const deadLetters: string[] = [];
  for (const queue of queues) {
    for (const record of await listed(store, { queues: [queue], deadLetter: true }))
      deadLetters.push(record.id);
    const records = await listed(store, { queues: [queue] });
    for (let from = 0; from < records.length; from += readsAtOnce)
      tasks.push(
        ...(await Promise.all(records.slice(from, from + readsAtOnce).map((one) => finalOf(store, one)))),
      );
  }
  return { tasks, deadLetters, queues: await store.stats(queues) };
}

async function listed(
  store: QueueStore,
  query: { queues: readonly string[]; deadLetter?: boolean },
): Promise<TaskRecord[]> {
  const records: TaskRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...query, limit: pageSize, cursor });
    records.push(...page.tasks);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return records;
}

async function finalOf(store: QueueStore, record: TaskRecord): Promise<FinalTask> {
  const log = await store.readLog({ taskId: record.id, from: 1, limit: 1_000 });
  const entered: Partial<Record<TaskState, number>> = {};
  let attemptTold = 0;
  let firstRunMs: number | undefined;
  let leasesExpired = 0;
  for (const { change, timeMs } of log?.entries ?? []) {
    if (!change) continue;
    entered[change.state] = (entered[change.state] ?? 0) + 1;
    attemptTold = Math.max(attemptTold, change.attempt);
    if (change.state === "RUNNING") firstRunMs ??= timeMs;
    if (change.reason.includes(leaseExpired.kind)) leasesExpired += 1;
  }
  const { id, queue, state, attempt, fence, error, finishedMs } = record;
  return {
    id,
    queue,
    state,
    attempt,
    attemptsMax: record.retry.attemptsMax,
    fence,
    parents: record.parents.map(({ taskId }) => taskId),
    error,
    finishedMs,
    entered,
    attemptTold,
    firstRunMs,
    leasesExpired,
  };
}

/** What time brings: expired leases, due tasks, the end of retention. A sweep is bounded; what is left asks for the next. */
import type { SweepReport } from "../store.ts";
import { expiryOf, isFinal, startTimedOut } from "../task.ts";
import { failAttempt } from "./finish.ts";
import { attemptOf, type TaskRow, taskById } from "./row.ts";
import { enqueue, fail } from "./transition.ts";
import type { Shelf, Tx } from "./tx.ts";

const limit = 500;

type FinishedRow = Pick<TaskRow, "seq" | "id" | "queue" | "state" | "fence">;

/** Whether a sweep would change anything: an idle store commits nothing. */
export function sweepIsDue(shelf: Shelf): boolean {
  const nowMs = shelf.clock.now();
  return (
    nextDueMs(shelf, nowMs) === 0 ||
    outlived(shelf, nowMs, 1).length > 0 ||
    shelf.sql.one("fullKey", { now: nowMs }) !== undefined
  );
}

export function sweep(tx: Tx): SweepReport {
  const expired = tx.sql.all<TaskRow>("expiredTasks", { now: tx.nowMs, limit });
  for (const row of expired) {
    tx.effects.revoked(row.queue, { taskId: row.id, fence: row.fence });
    failAttempt(tx, row, expiryOf(attemptOf(row), tx.nowMs));
  }
  const late = tx.sql.all<TaskRow>("lateTasks", { now: tx.nowMs, limit });
  for (const row of late) fail(tx, row, startTimedOut);
  const due = tx.sql.all<TaskRow>("dueTasks", { now: tx.nowMs, limit });
  for (const row of due) enqueue(tx, row, {});
  const old = outlived(tx, tx.nowMs, limit);
  for (const row of old) purge(tx, row);
  tx.sql.run("deleteFullKeys", { now: tx.nowMs, limit });
  return {
    expired: expired.length,
    notStarted: late.length,
    promoted: due.length,
    delivered: 0,
    purged: old.length,
    nextDueMs: old.length === limit ? 0 : nextDueMs(tx, tx.nowMs),
  };
}

/** Milliseconds until the next lease, timeout or scheduled task is due; undefined: nothing waits for a time. */
export function nextDueMs({ sql }: Shelf, nowMs: number): number | undefined {
  const times = [
    sql.one<{ ms: number | null }>("nextExpiry")?.ms,
    sql.one<{ ms: number | null }>("nextDue")?.ms,
    sql.one<{ ms: number | null }>("nextLate")?.ms,
  ];
  const next = Math.min(...times.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(next) ? Math.max(0, next - nowMs) : undefined;
}

/** Final tasks past their retention, by age or because their queue has too many, up to `max`. */
function outlived({ sql, queues, limits }: Shelf, nowMs: number, max: number): FinishedRow[] {
  const found: FinishedRow[] = [];
  for (const queue of queues.names()) {
    const finished = queues.finished(queue);
    if (finished === 0) continue;
    const aged = { queue, before: nowMs - limits.retentionMs, limit: max - found.length };
    const old = sql.all<FinishedRow>("finishedBefore", aged);
    const excess = Math.min(max - found.length, finished - limits.retentionTasksMax);
    const many = excess > old.length;
    found.push(
      ...(many ? sql.all<FinishedRow>("finishedBefore", { ...aged, before: nowMs, limit: excess }) : old),
    );
    if (found.length >= max) break;
  }
  return found;
}

export function remove(tx: Tx, ids: readonly string[]): boolean[] {
  return ids.map((id) => {
    const row = taskById(tx.sql, id);
    if (row === undefined || !isFinal(row.state)) return false;
    purge(tx, row);
    return true;
  });
}

function purge({ sql, queues }: Tx, row: FinishedRow): void {
  sql.run("deleteLog", { task: row.seq });
  sql.run("deletePayloads", { task: row.seq });
  sql.run("deleteDependencies", { child: row.seq });
  sql.run("deleteTask", { seq: row.seq });
  queues.count(row.queue, row.state, undefined);
  // The id may come again, by its idempotency key; whoever held a lease on this task must not hold one on that.
  queues.raiseFenceFloor(row.queue, row.fence);
}

/** What time brings: expired leases, due tasks, the end of retention. A sweep is bounded; what is left asks for the next. */
import type { SweepReport } from "../store.ts";
import { expiryOf, isFinal, startTimedOut } from "../task.ts";
import { failAttempt } from "./finish.ts";
import { taskById } from "./read.ts";
import { outlived, purge } from "./retention.ts";
import { attemptOf, type TaskRow } from "./row.ts";
import { rowAt } from "./seat.ts";
import { enqueue, fail } from "./transition.ts";
import type { Shelf, Tx } from "./tx.ts";

const limit = 500;

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
  // What other calls of the transaction changed is looked for below.
  tx.chunks.flush();
  const expired = expiredTasks(tx);
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
  tx.chunks.flush();
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

/** Tasks whose lease has ended; those in chunks are not in rows yet. */
function expiredTasks(tx: Tx): TaskRow[] {
  const rows = tx.sql.all<TaskRow>("expiredTasks", { now: tx.nowMs, limit });
  for (const chunk of tx.chunks.each("expiredChunks", { now: tx.nowMs, limit: limit - rows.length })) {
    if (rows.length >= limit) break;
    tx.chunks.expired(chunk);
    for (const slot of chunk.slotsIn("RUNNING")) {
      const { expiresMs } = chunk.termOf(slot) ?? { expiresMs: 0 };
      if (expiresMs <= tx.nowMs) rows.push(rowAt({ chunk, slot }));
    }
  }
  return rows;
}

/** Milliseconds until the next lease, timeout or scheduled task is due; undefined: nothing waits for a time. */
export function nextDueMs({ sql }: Shelf, nowMs: number): number | undefined {
  const statements = ["nextExpiry", "nextChunkExpiry", "nextDue", "nextLate"];
  const times = statements.map((name) => sql.one<{ ms: number | null }>(name)?.ms);
  const next = Math.min(...times.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(next) ? Math.max(0, next - nowMs) : undefined;
}

export function remove(tx: Tx, ids: readonly string[]): boolean[] {
  return ids.map((id) => {
    const row = taskById(tx, id);
    if (row === undefined || !isFinal(row.state)) return false;
    purge(tx, row);
    return true;
  });
}

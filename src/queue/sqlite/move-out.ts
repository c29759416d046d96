/** A plain task that does something else gets a row of its own, with all that belongs to it, and its slot is empty. */

import { putPayload, type TaskRow } from "./row.ts";
import { logAt, rowAt } from "./seat.ts";
import type { Tx } from "./tx.ts";

/** The task's own row, which may be changed. */
export function own(tx: Tx, task: TaskRow): TaskRow {
  const { seat, ...row } = task;
  if (seat === undefined) return task;
  tx.sql.run("insertTask", rowAt(seat));
  putPayload(tx.sql, row, "spec", tx.chunks.spec(seat));
  const dropped = row.last_sequence - tx.limits.logEntriesMax;
  for (const { sequence, timeMs, change } of logAt(seat))
    if (sequence > dropped)
      tx.sql.run("insertLog", {
        task: row.seq,
        sequence,
        time_ms: timeMs,
        state: change?.state,
        attempt: change?.attempt,
        reason: change?.reason,
        worker_id: change?.workerId,
      });
  if (row.state === "QUEUED") tx.lanes.moveOut(row.queue, row.lane);
  seat.chunk.vacate(seat.slot);
  tx.chunks.changed(seat.chunk);
  return row;
}

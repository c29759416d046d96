/** How a task moves: its row, its queue's counts, its log and the signals, always together. */
import { type FinalState, openState, type TaskFailure } from "../task.ts";
import { writeChange } from "./log.ts";
import type { TaskRow } from "./row.ts";
import type { Tx } from "./tx.ts";

export type Changes = Partial<TaskRow> & Pick<TaskRow, "state">;

/** Writes the row with its changes by `statement`, which must set every column that they touch. */
export function move(
  tx: Tx,
  from: TaskRow,
  changes: Changes,
  reason = "",
  statement = "updateTask",
): TaskRow {
  const row = { ...from, ...changes, last_sequence: from.last_sequence + 1 };
  tx.sql.run(statement, row);
  tx.queues.count(row.queue, from.state, row.state);
  writeChange(tx, row, reason);
  tx.effects.changed(row.queue, row.id);
  if (row.state === "QUEUED") tx.effects.ready(row.queue);
  return row;
}

/** QUEUED, behind the others or before them. */
export function enqueue(
  tx: Tx,
  from: TaskRow,
  changes: Partial<TaskRow>,
  reason = "",
  end: "front" | "back" = "back",
) {
  const place = tx.queues.place(from.queue, end);
  const queued = {
    state: "QUEUED",
    place,
    queued_ms: tx.nowMs,
    run_at_ms: null,
    lease_expires_ms: null,
  } as const;
  return move(tx, from, { ...changes, ...queued }, reason);
}

/** QUEUED, or SCHEDULED where `runAtMs` is still ahead. */
export function openUp(
  tx: Tx,
  from: TaskRow,
  changes: Partial<TaskRow>,
  runAtMs: number | null,
  reason = "",
): TaskRow {
  if (openState(runAtMs ?? undefined, tx.nowMs) === "QUEUED") return enqueue(tx, from, changes, reason);
  const scheduled = { state: "SCHEDULED", run_at_ms: runAtMs, lease_expires_ms: null } as const;
  return move(tx, from, { ...changes, ...scheduled }, reason);
}

/** A final state; the children hear of it when the call's own work is done. */
export function end(
  tx: Tx,
  from: TaskRow,
  state: FinalState,
  changes: Partial<TaskRow>,
  reason = "",
): TaskRow {
  const ended = { state, finished_ms: tx.nowMs, run_at_ms: null, lease_expires_ms: null };
  tx.ended.push({ id: from.id, state });
  return move(tx, from, { ...changes, ...ended }, reason);
}

export function fail(
  tx: Tx,
  from: TaskRow,
  failure: TaskFailure,
  changes: Partial<TaskRow> = {},
  reason = failure.message,
): TaskRow {
  return end(tx, from, "FAILED", { ...changes, error: JSON.stringify(failure) }, reason);
}

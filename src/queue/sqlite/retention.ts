/** The end of final tasks: which have been kept long enough, and their deletion with all that belongs to them. */
import type { Seat } from "./chunk.ts";
import type { TaskRow } from "./row.ts";
import { rowAt } from "./seat.ts";
import type { Shelf, Tx } from "./tx.ts";

type FinishedRow = Pick<TaskRow, "seq" | "id" | "queue" | "state" | "fence" | "seat" | "finished_ms">;

/** Final tasks past their retention, by age or because their queue has too many, up to `max`. */
export function outlived(shelf: Shelf, nowMs: number, max: number): FinishedRow[] {
  const { queues, limits } = shelf;
  const found: FinishedRow[] = [];
  for (const queue of queues.names()) {
    const finished = queues.finished(queue);
    if (finished === 0) continue;
    const room = max - found.length;
    const old = oldest(shelf, { queue, before: nowMs - limits.retentionMs, limit: room });
    const excess = Math.min(room, finished - limits.retentionTasksMax);
    found.push(...(excess > old.length ? oldest(shelf, { queue, before: nowMs, limit: excess }) : old));
    if (found.length >= max) break;
  }
  return found;
}

interface Range {
  readonly queue: string;
  readonly before: number;
  readonly limit: number;
}

/** The first tasks of a queue to have ended, of rows and chunks together. */
function oldest({ sql, chunks }: Shelf, range: Range): FinishedRow[] {
  const { before, limit } = range;
  const found = sql.all<FinishedRow>("finishedBefore", range);
  // In the order of their first end: as many chunks as tasks are enough, and mostly the first few are.
  for (const chunk of chunks.each("endedChunks", range)) {
    const lastMs = found[limit - 1]?.finished_ms ?? before;
    if ((chunk.firstEndMs() ?? 0) > lastMs) break;
    for (const slot of chunk.slotsIn("SUCCEEDED"))
      if ((chunk.endedMsOf(slot) ?? 0) <= before) found.push(rowAt({ chunk, slot }));
    found.sort(byEnd).splice(limit);
  }
  return found;
}

function byEnd(one: FinishedRow, other: FinishedRow): number {
  return (one.finished_ms ?? 0) - (other.finished_ms ?? 0) || one.seq - other.seq;
}

export function purge(tx: Tx, row: FinishedRow): void {
  tx.queues.count(row.queue, row.state, undefined);
  // The id may come again; whoever held a lease on this task must not hold one on that.
  tx.queues.raiseFenceFloor(row.queue, row.fence);
  if (row.seat === undefined) purgeRow(tx, row);
  else leave(tx, row.seat);
}

function purgeRow({ sql }: Tx, row: FinishedRow): void {
  sql.run("deleteLog", { task: row.seq });
  sql.run("deletePayloads", { task: row.seq });
  sql.run("deleteDependencies", { child: row.seq });
  sql.run("deleteTask", { seq: row.seq });
}

/** The last task to leave a chunk takes it away. */
function leave({ chunks }: Tx, { chunk, slot }: Seat): void {
  chunk.vacate(slot);
  chunks.changed(chunk);
}

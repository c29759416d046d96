/** Takes QUEUED tasks of a lane, first come, first served, whether they are in rows or in chunks. */
import type { LeaseAsk, LeasedTask } from "../store.ts";
import { leaseEndMs } from "../task.ts";
import type { Chunk } from "./chunk.ts";
import type { LaneRow } from "./lanes.ts";
import { leasedOf } from "./read.ts";
import { attemptOf, type TaskRow } from "./row.ts";
import { leasedAt } from "./seat.ts";
import { move, startPlain } from "./transition.ts";
import type { Tx } from "./tx.ts";

/** Leases so many tasks of the lane, which must have them. */
export function leaseFrom(tx: Tx, lane: LaneRow, tasks: number, ask: LeaseAsk): LeasedTask[] {
  const leased: LeasedTask[] = [];
  while (leased.length < tasks) {
    const before = leased.length;
    const max = tasks - leased.length;
    const chunk = lane.plain > 0 ? tx.chunks.head(lane.queue, lane.name) : undefined;
    const rowPlace = lane.waiting > lane.plain ? firstRowPlace(tx, lane) : Number.MAX_SAFE_INTEGER;
    if (chunk !== undefined && chunk.nextPlace() < rowPlace)
      leased.push(...leaseSlots(tx, chunk, { max, before: rowPlace }, ask));
    else leased.push(...leaseRows(tx, lane, { max, before: chunk?.nextPlace() }, ask));
    if (leased.length === before) throw new Error(`the lane ${lane.name} of ${lane.queue} is short of tasks`);
  }
  return leased;
}

interface Range {
  readonly max: number;
  /** The place that ends it. */
  readonly before?: number;
}

function firstRowPlace(tx: Tx, { queue, name }: LaneRow): number {
  return (
    tx.sql.one<{ place: number | null }>("firstReady", { queue, lane: name })?.place ??
    Number.MAX_SAFE_INTEGER
  );
}

function leaseRows(tx: Tx, lane: LaneRow, { max, before }: Range, ask: LeaseAsk): LeasedTask[] {
  const { queue, name } = lane;
  const range = { queue, lane: name, before: before ?? Number.MAX_SAFE_INTEGER, limit: max };
  return tx.sql
    .all<TaskRow>("readyTasks", range)
    .map((row) => leasedOf(tx, begin(tx, row, ask), ask.leaseMs));
}

function begin(tx: Tx, row: TaskRow, { workerId, leaseMs }: LeaseAsk): TaskRow {
  const started = { started_ms: tx.nowMs, sign_ms: tx.nowMs };
  const term = {
    ...started,
    state: "RUNNING",
    attempt: row.attempt + 1,
    fence: row.fence + 1,
    lease_expires_ms: leaseEndMs(attemptOf({ ...row, ...started }), leaseMs, tx.nowMs),
    lease_ms: leaseMs,
    worker_id: workerId,
  } as const;
  return move(tx, row, term, "", "leaseTask");
}

function leaseSlots(tx: Tx, chunk: Chunk, { max, before }: Required<Range>, ask: LeaseAsk): LeasedTask[] {
  const { workerId, leaseMs } = ask;
  const term = { workerId, startedMs: tx.nowMs, leaseMs, expiresMs: tx.nowMs + leaseMs };
  const slots = chunk.lease(term, max, before);
  tx.chunks.changed(chunk);
  const leased = slots.map((slot) => leasedAt(tx.chunks, { chunk, slot }, leaseMs));
  startPlain(
    tx,
    chunk.facts,
    leased.map(({ id }) => id),
  );
  return leased;
}

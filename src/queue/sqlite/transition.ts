/** How a task moves: its row, its queue's counts, its log and the signals, always together. */
import { type FinalState, openState, type TaskFailure, type TaskState } from "../task.ts";
import { countRunning, isHeld } from "./keys.ts";
import type { LaneRow } from "./lanes.ts";
import { writeChange } from "./log.ts";
import { own } from "./move-out.ts";
import { laneFacts, type TaskRow, timeoutsOf } from "./row.ts";
import type { Tx } from "./tx.ts";

export type Changes = Partial<TaskRow> & Pick<TaskRow, "state">;

/** Writes the row, made first where it is in a chunk, with its changes by `statement`, which must set every column that they touch. */
export function move(
  tx: Tx,
  from: TaskRow,
  changes: Changes,
  reason = "",
  statement = "updateTask",
): TaskRow {
  const row = { ...own(tx, from), ...changes, last_sequence: from.last_sequence + 1 };
  tx.sql.run(statement, row);
  count(tx, row, from.state);
  writeChange(tx, row, reason);
  return row;
}

/** Counts a task that came to the state which its row says, and tells who waits; `from` is undefined for a new one. */
export function count(tx: Tx, { id, queue, lane, state }: TaskRow, from: TaskState | undefined): void {
  tx.queues.count(queue, from, state);
  tx.effects.changed(queue, [id]);
  if (from === "QUEUED") tx.lanes.leave(queue, lane);
  if (from === "RUNNING") ceaseRunning(tx, queue, lane);
  if (state === "RUNNING") countRunning(tx, queue, laneFacts(lane).concurrencyKey, 1);
  if (state !== "QUEUED") return;
  join(tx, queue, lane);
}

/** The task, or so many plain ones, may be leased. */
function join(tx: Tx, queue: string, lane: string, plain?: number): void {
  tx.effects.ready(queue);
  const opening = ({ priority, key }: Pick<LaneRow, "priority" | "key">) => ({
    pass: tx.controls.of(queue).passes[priority] ?? 0,
    parked: isHeld(tx, queue, key) ? (1 as const) : (0 as const),
  });
  tx.lanes.join(queue, lane, opening, plain);
}

type Line = Pick<TaskRow, "queue" | "lane">;

/** New plain tasks of one lane, which the queue has counted already. */
export function joinPlain(tx: Tx, { queue, lane }: Line, ids: readonly string[]): void {
  tx.effects.changed(queue, ids);
  join(tx, queue, lane, ids.length);
}

/** Plain tasks of one lane were leased. */
export function startPlain(tx: Tx, { queue, lane }: Line, ids: readonly string[]): void {
  tx.queues.count(queue, "QUEUED", "RUNNING", ids.length);
  tx.effects.changed(queue, ids);
  tx.lanes.leave(queue, lane, ids.length);
}

/** A plain task succeeded. It has no child to be told: what gets a child is plain no more. */
export function succeedPlain(tx: Tx, { queue, lane }: Line, id: string): void {
  tx.queues.count(queue, "RUNNING", "SUCCEEDED");
  tx.effects.changed(queue, [id]);
  ceaseRunning(tx, queue, lane);
}

/** What a cap held back may be leased now. */
function ceaseRunning(tx: Tx, queue: string, lane: string): void {
  countRunning(tx, queue, laneFacts(lane).concurrencyKey, -1);
  const { runningMax, runningPerKeyMax } = tx.controls.policy(queue);
  const capped = runningMax !== undefined || runningPerKeyMax !== undefined;
  if (capped && tx.queues.waiting(queue) > 0) tx.effects.ready(queue);
}

/** When a task's timeout to start ends that is QUEUED from `queuedMs` on. */
export function startByMs(row: Pick<TaskRow, "timeouts">, queuedMs: number): number | null {
  if (row.timeouts === null) return null;
  const { toStartMs } = timeoutsOf(row);
  return toStartMs === undefined ? null : queuedMs + toStartMs;
}

const queued = { state: "QUEUED", run_at_ms: null, lease_expires_ms: null } as const;

/** QUEUED, behind the others. */
export function enqueue(tx: Tx, from: TaskRow, changes: Partial<TaskRow>, reason = ""): TaskRow {
  const place = tx.queues.placesBehind(from.queue, 1);
  const since = { queued_ms: tx.nowMs, start_by_ms: startByMs(from, tx.nowMs) };
  return move(tx, from, { ...changes, ...queued, ...since, place }, reason);
}

/** QUEUED, before the others, as if it had not been leased. */
export function putBack(tx: Tx, from: TaskRow, changes: Partial<TaskRow>, reason: string): TaskRow {
  return move(tx, from, { ...changes, ...queued, place: tx.queues.placeBefore(from.queue) }, reason);
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

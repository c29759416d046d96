/** A task's log: changes of state that the store writes, and bodies that workers send. */
import type { FencedOutcome, LogAppend, LogPage, LogQuery, LogRecord } from "../store.ts";
import { expiryOf, holdsLease, leaseExpired, type TaskState } from "../task.ts";
import { own } from "./move-out.ts";
import { taskById } from "./read.ts";
import { attemptOf, putPayload, type TaskRow } from "./row.ts";
import { logAt } from "./seat.ts";
import type { Shelf, Tx } from "./tx.ts";

/** Writes the entry of `row.last_sequence`: the state that the row has now. */
export function writeChange(tx: Tx, row: TaskRow, reason: string): void {
  tx.sql.run("insertLog", {
    task: row.seq,
    sequence: row.last_sequence,
    time_ms: tx.nowMs,
    state: row.state,
    attempt: row.attempt,
    reason,
    worker_id: row.state === "RUNNING" ? row.worker_id : "",
  });
  trim(tx, row);
}

export function append(tx: Tx, appends: readonly LogAppend[]): FencedOutcome[] {
  return appends.map((one) => {
    const row = taskById(tx, one.taskId);
    if (row === undefined) return { accepted: false, state: "MISSING" };
    if (!holdsLease(row, one.fence)) return { accepted: false, state: row.state };
    write(tx, own(tx, row), one);
    return { accepted: true, state: row.state };
  });
}

function write(tx: Tx, row: TaskRow, { entries, usage }: LogAppend): void {
  entries.forEach(({ bytes }, index) => {
    const sequence = row.last_sequence + 1 + index;
    tx.sql.run("insertLog", { task: row.seq, sequence, time_ms: tx.nowMs, body: bytes });
  });
  const progress = entries.findLast((entry) => entry.progress !== undefined)?.progress;
  if (progress !== undefined) putPayload(tx.sql, row, "progress", progress);
  const next = {
    ...row,
    ...spent(row, usage),
    ...alive(tx, row, entries.length),
    last_sequence: row.last_sequence + entries.length,
  };
  tx.sql.run("appendTask", next);
  trim(tx, next);
  tx.effects.changed(row.queue, [row.id]);
}

/** Entries are a sign of life; where a timeout asks for them, they move the lease's end. */
function alive(tx: Tx, row: TaskRow, entries: number): Partial<TaskRow> {
  const attempt = attemptOf(row);
  const { heartbeatMs, toFinishMs = Number.POSITIVE_INFINITY } = attempt.timeouts;
  if (heartbeatMs === undefined || entries === 0) return {};
  if (expiryOf(attempt, tx.nowMs) !== leaseExpired) return {};
  const askedMs = Math.max(row.lease_expires_ms ?? 0, tx.nowMs + (row.lease_ms ?? 0));
  const endMs = Math.min(askedMs, attempt.startedMs + toFinishMs, tx.nowMs + heartbeatMs);
  return { sign_ms: tx.nowMs, lease_expires_ms: endMs };
}

export function spent(row: TaskRow, usage: LogAppend["usage"]): Pick<TaskRow, "tokens" | "usd"> {
  return { tokens: row.tokens + (usage?.tokens ?? 0), usd: row.usd + (usage?.usd ?? 0) };
}

function trim(tx: Tx, row: TaskRow): void {
  const upTo = row.last_sequence - tx.limits.logEntriesMax;
  if (upTo > 0) tx.sql.run("trimLog", { task: row.seq, upTo });
}

interface LogRow {
  readonly sequence: number;
  readonly time_ms: number;
  readonly state: TaskState | null;
  readonly attempt: number;
  readonly reason: string;
  readonly worker_id: string;
  readonly body: Uint8Array | null;
}

type Kept = Pick<Shelf, "sql" | "chunks" | "limits">;

export function readLog(
  { sql, chunks, limits }: Kept,
  { taskId, from, limit }: LogQuery,
): LogPage | undefined {
  const task = taskById({ sql, chunks }, taskId);
  if (task === undefined) return undefined;
  const { last_sequence: lastSequence, state } = task;
  if (task.seat !== undefined) {
    const firstKept = Math.max(1, lastSequence - limits.logEntriesMax + 1);
    const wanted = logAt(task.seat).filter(({ sequence }) => sequence >= Math.max(from, firstKept));
    return { entries: wanted.slice(0, limit), firstKept, lastSequence, state };
  }
  const entries = sql.all<LogRow>("readLog", { task: task.seq, from, limit }).map(recordOf);
  const firstKept = sql.one<{ sequence: number | null }>("firstKept", { task: task.seq })?.sequence ?? 1;
  return { entries, firstKept, lastSequence, state };
}

function recordOf(row: LogRow): LogRecord {
  const { sequence, time_ms: timeMs, state, attempt, reason, worker_id: workerId } = row;
  if (state === null) return { sequence, timeMs, body: row.body ?? new Uint8Array(0) };
  return { sequence, timeMs, change: { state, attempt, reason, workerId } };
}

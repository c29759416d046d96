/** Leases: a worker's term on a task begins, and is prolonged. */
import type { FencedOutcome, LeaseAsk, LeasedTask, Renewal } from "../store.ts";
import { holdsLease } from "../task.ts";
import { leasedOf, type TaskRow, taskById } from "./row.ts";
import { move } from "./transition.ts";
import type { Tx } from "./tx.ts";

export function lease(tx: Tx, asks: readonly LeaseAsk[]): LeasedTask[][] {
  return asks.map((ask) => {
    const ready = tx.sql.all<TaskRow>("readyTasks", { queue: ask.queue, limit: ask.max });
    return ready.map((row) => leasedOf(tx.sql, begin(tx, row, ask), ask.leaseMs));
  });
}

function begin(tx: Tx, row: TaskRow, { workerId, leaseMs }: LeaseAsk): TaskRow {
  const term = {
    state: "RUNNING",
    attempt: row.attempt + 1,
    fence: row.fence + 1,
    started_ms: tx.nowMs,
    lease_expires_ms: tx.nowMs + leaseMs,
    worker_id: workerId,
  } as const;
  return move(tx, row, term, "", "leaseTask");
}

export function renew(tx: Tx, renewals: readonly Renewal[]): FencedOutcome[] {
  return renewals.map(({ taskId, fence, leaseMs }) => {
    const row = taskById(tx.sql, taskId);
    if (row === undefined) return { accepted: false, state: "MISSING" };
    if (!holdsLease(row, fence)) return { accepted: false, state: row.state };
    tx.sql.run("renewTask", { seq: row.seq, lease_expires_ms: tx.nowMs + leaseMs });
    return { accepted: true, state: row.state };
  });
}

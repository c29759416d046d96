/** Leases: a worker's term on a task begins, and is prolonged. */
import type { FencedOutcome, LeaseAsk, LeaseGrant, Renewal } from "../store.ts";
import { expiryOf, holdsLease, leaseEndMs, leaseExpired } from "../task.ts";
import { own } from "./move-out.ts";
import { taskById } from "./read.ts";
import { attemptOf } from "./row.ts";
import { Turns } from "./turns.ts";
import type { Tx } from "./tx.ts";

export function lease(tx: Tx, asks: readonly LeaseAsk[]): LeaseGrant[] {
  const queues = new Map<string, Turns>();
  const grants = asks.map((ask): LeaseGrant => {
    if (tx.queues.waiting(ask.queue) === 0) return { tasks: [] };
    const turns = queues.get(ask.queue) ?? new Turns(tx, ask.queue);
    queues.set(ask.queue, turns);
    return turns.serve(ask);
  });
  for (const queue of queues.keys()) tx.lanes.endCall(queue);
  return grants;
}

export function renew(tx: Tx, renewals: readonly Renewal[]): FencedOutcome[] {
  return renewals.map(({ taskId, fence, leaseMs }) => {
    const row = taskById(tx, taskId);
    if (row === undefined) return { accepted: false, state: "MISSING" };
    const attempt = attemptOf(row);
    if (!holdsLease(row, fence) || expiryOf(attempt, tx.nowMs) !== leaseExpired)
      return { accepted: false, state: row.state };
    const lease_expires_ms = leaseEndMs(attempt, leaseMs, tx.nowMs);
    tx.sql.run("renewTask", { seq: own(tx, row).seq, lease_expires_ms, lease_ms: leaseMs });
    return { accepted: true, state: row.state };
  });
}

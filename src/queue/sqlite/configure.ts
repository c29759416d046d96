/** A queue's settings, and what holds its tasks back. */
import { type Rate, tokenInMs } from "../policy.ts";
import type { QueueChange, QueueLoad } from "../store.ts";
import { keyOf, reviewAll } from "./keys.ts";
import type { Presences } from "./presences.ts";
import type { Shelf, Tx } from "./tx.ts";

export function configure(tx: Tx, changes: readonly QueueChange[]): void {
  for (const change of changes) {
    tx.queues.know(change.queue);
    const before = tx.controls.policy(change.queue);
    tx.controls.configure(change, tx.nowMs);
    const after = tx.controls.policy(change.queue);
    // A rate that is changed begins with full buckets: what was taken at another's pace says nothing of it.
    if (!sameRate(before.rate, after.rate)) tx.controls.change(change.queue).fullAtMs = undefined;
    if (!sameRate(before.ratePerKey, after.ratePerKey)) tx.sql.run("fillBuckets", { queue: change.queue });
    if (change.rolePolicy !== undefined || change.policy !== undefined) reviewAll(tx, change.queue);
    tx.effects.ready(change.queue);
  }
}

function sameRate(one: Rate | undefined, other: Rate | undefined): boolean {
  return one?.perSecond === other?.perSecond && one?.burst === other?.burst;
}

export function load(shelf: Shelf, queue: string, key: string, presences: Presences): QueueLoad {
  const { pause, fullAtMs } = shelf.controls.of(queue);
  const policy = shelf.controls.policy(queue);
  const { running, full_at_ms } = keyOf(shelf, queue, key);
  const nowMs = shelf.clock.now();
  const inMs = (rate: Rate | undefined, full: number | undefined) =>
    rate === undefined ? 0 : tokenInMs(rate, full, nowMs);
  return {
    policy,
    pause,
    running: shelf.queues.running(queue),
    keyRunning: running,
    rateInMs: inMs(policy.rate, fullAtMs),
    keyRateInMs: key === "" ? 0 : inMs(policy.ratePerKey, full_at_ms ?? undefined),
    workers: presences.of(queue),
  };
}

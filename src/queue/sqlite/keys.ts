/** Concurrency keys: how many of a key's tasks run, what its rate has left, and whether that holds its lanes back. */
import { type QueuePolicy, takeTokens, tokenInMs } from "../policy.ts";
import type { Tx } from "./tx.ts";

export interface KeyRow {
  readonly queue: string;
  readonly key: string;
  readonly running: number;
  /** When its rate is full again. */
  readonly full_at_ms: number | null;
  /** Set where its rate alone holds it back: until when. */
  readonly held_until_ms: number | null;
  readonly parked: 0 | 1;
}

/** Keys looked at in one lease call whose rate may have freed them. */
const freedMax = 500;

export function keyOf(tx: Pick<Tx, "sql">, queue: string, key: string): KeyRow {
  const none = { queue, key, running: 0, full_at_ms: null, held_until_ms: null, parked: 0 } as const;
  return tx.sql.one<KeyRow>("keyByName", { queue, key }) ?? none;
}

/** A task of the key began to run (1) or stopped (-1). */
export function countRunning(tx: Tx, queue: string, key: string, by: 1 | -1): void {
  if (key === "") return;
  const row = keyOf(tx, queue, key);
  const rate = by === 1 ? tx.controls.policy(queue).ratePerKey : undefined;
  const full_at_ms = rate ? takeTokens(rate, row.full_at_ms ?? undefined, tx.nowMs, 1) : row.full_at_ms;
  review(tx, { ...row, running: row.running + by, full_at_ms });
}

/** Whether a lane of the key has to wait. */
export function isHeld(tx: Tx, queue: string, key: string): boolean {
  if (key === "") return false;
  const policy = tx.controls.policy(queue);
  if (policy.runningPerKeyMax === undefined && policy.ratePerKey === undefined) return false;
  return holdOf(keyOf(tx, queue, key), policy, tx.nowMs) !== undefined;
}

/** Frees the keys whose rate has a token again. */
export function freeInTime(tx: Tx, queue: string): void {
  if (tx.controls.policy(queue).ratePerKey === undefined) return;
  const freed = tx.sql.all<KeyRow>("freedKeys", { queue, now: tx.nowMs, limit: freedMax });
  for (const row of freed) review(tx, row);
}

/** Looks at every key that waits, after the queue's policy changed. */
export function reviewAll(tx: Tx, queue: string): void {
  tx.lanes.flush();
  for (const { key } of tx.sql.all<{ key: string }>("waitingKeys", { queue })) {
    review(tx, keyOf(tx, queue, key));
  }
}

/** Milliseconds until the first key that waits has a token; undefined: none waits for one. */
export function firstTokenInMs(tx: Tx, queue: string): number | undefined {
  if (tx.controls.policy(queue).ratePerKey === undefined) return undefined;
  const until = tx.sql.one<{ ms: number | null }>("nextFreedKey", { queue })?.ms ?? undefined;
  return until === undefined ? undefined : Math.max(0, until - tx.nowMs);
}

/** Stores the key as it is now, and parks or frees its lanes. */
function review(tx: Tx, key: KeyRow): void {
  const hold = holdOf(key, tx.controls.policy(key.queue), tx.nowMs);
  const parked = hold === undefined ? 0 : 1;
  const row: KeyRow = { ...key, parked, held_until_ms: hold?.untilMs ?? null };
  const idle = row.running === 0 && parked === 0 && (row.full_at_ms ?? 0) <= tx.nowMs;
  tx.sql.run(idle ? "deleteKey" : "putKey", row);
  if (parked === key.parked) return;
  const { passes } = tx.controls.of(key.queue);
  tx.lanes.park(key.queue, key.key, parked, ({ pass, priority }) => Math.max(pass, passes[priority] ?? 0));
}

/** What holds a key back; without a time where a task of it has to end first. */
function holdOf(
  { running, full_at_ms }: KeyRow,
  { runningPerKeyMax, ratePerKey }: QueuePolicy,
  nowMs: number,
): { untilMs?: number } | undefined {
  if (runningPerKeyMax !== undefined && running >= runningPerKeyMax) return {};
  const waitMs = ratePerKey ? tokenInMs(ratePerKey, full_at_ms ?? undefined, nowMs) : 0;
  return waitMs > 0 ? { untilMs: nowMs + waitMs } : undefined;
}

/**
 * Open-loop load: what is due is sent when it is due, whether or not what was sent before has been answered, so that a slow
 * system cannot slow its own load down and hide its waits.
 */
import { setTimeout as pause } from "node:timers/promises";

/** How many of a load of `perSecond` are due `elapsedMs` after its beginning; the first is due at once. Pure. */
export function dueBy(elapsedMs: number, perSecond: number): number {
  return elapsedMs < 0 ? 0 : Math.floor((elapsedMs * perSecond) / 1_000) + 1;
}

/** When number `index`, counted from 0, is due, in ms after the beginning; at the end of its tick, where there are ticks. Pure. */
export function dueMs(index: number, perSecond: number, tickMs = 0): number {
  const ms = (index * 1_000) / perSecond;
  return tickMs === 0 ? ms : Math.ceil(ms / tickMs) * tickMs;
}

/** What is due in one turn. */
export interface Due {
  /** Places in the load, counted from 0: `from` to before `to`. */
  readonly from: number;
  readonly to: number;
  /** When the load began, by performance.now(). */
  readonly beganMs: number;
}

export interface OpenLoopOptions {
  readonly perSecond: number;
  readonly seconds: number;
  /** What falls due within so long is due together, at its end; default: each by itself. */
  readonly tickMs?: number;
  /** Must not wait for answers. */
  readonly send: (due: Due) => void;
  /** Ends the load before its time. */
  readonly signal?: AbortSignal;
}

/** Sends a load, in one call of `send` for all that fell due since the last; resolves with how many there were. */
export async function openLoop({
  perSecond,
  seconds,
  tickMs = 0,
  send,
  signal,
}: OpenLoopOptions): Promise<number> {
  const total = Math.floor(perSecond * seconds);
  const beganMs = performance.now();
  for (let sent = 0; sent < total; ) {
    const elapsedMs = performance.now() - beganMs;
    const ticksMs = tickMs === 0 ? elapsedMs : Math.floor(elapsedMs / tickMs) * tickMs;
    const to = Math.min(total, dueBy(ticksMs, perSecond));
    if (to > sent) send({ from: sent, to, beganMs });
    sent = to;
    if (signal?.aborted) return sent;
    if (sent < total) await pause(Math.max(1, beganMs + dueMs(sent, perSecond, tickMs) - performance.now()));
  }
  return total;
}

/**
 * How a queue hands out its tasks: caps, rates, weights. Pure. A queue has the policy of its role, in whose place an
 * operator's stands while there is one.
 */

/** A token bucket: `burst` tasks may start at once, and one more each 1/perSecond s. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What is undefined does not limit. */
export interface QueuePolicy {
  /** Tasks that may run at once. */
  readonly runningMax?: number;
  /** Tasks with one concurrency key that may run at once. */
  readonly runningPerKeyMax?: number;
  /** Tasks that may start. */
  readonly rate?: Rate;
  /** Tasks with one concurrency key that may start. */
  readonly ratePerKey?: Rate;
  /** Shares of tenants within a priority; who is not named has 1. */
  readonly tenantWeights?: Readonly<Record<string, number>>;
}

export interface Pause {
  /** Who paused it and why. */
  readonly reason: string;
  readonly sinceMs: number;
}

export const noPolicy: QueuePolicy = Object.freeze({});

/** The bucket's one number: when it will be full again. Undefined: it is full. */
export type FullAtMs = number | undefined;

/** Whole tokens that a bucket has now. */
export function tokensOf({ perSecond, burst }: Rate, fullAtMs: FullAtMs, nowMs: number): number {
  const missing = Math.max(0, (fullAtMs ?? 0) - nowMs) * (perSecond / 1_000);
  // Sums of fractions of milliseconds fall a little short of whole tokens.
  return Math.max(0, Math.floor(burst - missing + 1e-6));
}

/** The bucket after `count` tokens were taken. */
export function takeTokens(rate: Rate, fullAtMs: FullAtMs, nowMs: number, count: number): number {
  return Math.max(fullAtMs ?? 0, nowMs) + count * (1_000 / rate.perSecond);
}

/** Milliseconds until the bucket has a token; 0: it has one. */
export function tokenInMs({ perSecond, burst }: Rate, fullAtMs: FullAtMs, nowMs: number): number {
  const waitMs = (fullAtMs ?? 0) - nowMs - (burst - 1) * (1_000 / perSecond);
  return waitMs <= 1e-3 ? 0 : waitMs;
}

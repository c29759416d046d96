/** Reads the work of roles from their queues. Whoever asks while a read is under way shares the next one. */
import type { Clock } from "../core/clock.ts";
import { GroupCommit } from "../queue/group-commit.ts";
import type { Queue } from "../queue/queue.ts";
import type { QueueRates } from "../queue/rates.ts";
import type { QueueStats } from "../queue/store.ts";
import { type RoleLoad, serviceMsOf } from "./load.ts";

export class RoleLoads {
  readonly #reads: GroupCommit<string, RoleLoad>;

  constructor(queue: Pick<Queue, "stats" | "rates">, clock: Clock) {
    this.#reads = new GroupCommit(async (roles) => {
      const stats = await queue.stats([...new Set(roles)]);
      const loads = new Map(
        stats.map((one) => [one.queue, roleLoadOf(one, queue.rates.ratesOf(one), clock.now())]),
      );
      return roles.map((role) => loads.get(role) as RoleLoad);
    });
  }

  /** As it is now. Rejects with STORE_UNAVAILABLE: a store that is away is never taken for an empty one. */
  of(role: string): Promise<RoleLoad> {
    return this.#reads.add(role);
  }
}

/**
 * What of a queue's work wants workers. Pure. A paused queue hands out nothing, and one that is capped no more than its cap:
 * workers beyond would stand idle.
 */
export function roleLoadOf(stats: QueueStats, rates: QueueRates, nowMs: number): RoleLoad {
  const { counts, oldestQueuedMs, policy, pause, scheduledSoon } = stats;
  const running = counts.RUNNING;
  const room = pause ? 0 : Math.max(0, (policy.runningMax ?? Number.POSITIVE_INFINITY) - running);
  const queued = Math.min(counts.QUEUED, room);
  return {
    queued,
    scheduledSoon: Math.min(scheduledSoon, room - queued),
    running,
    oldestWaitMs: oldestQueuedMs === undefined ? 0 : Math.max(0, nowMs - oldestQueuedMs),
    arrivalPerSecond: rates.arrival,
    servicePerSecond: rates.service,
    serviceMs: serviceMsOf(rates.runningMean, rates.service),
  };
}

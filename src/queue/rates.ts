/** How many tasks a second came in and ended over the last minute, from the totals that a store counts. No I/O. */
import type { QueueStats } from "./store.ts";

interface Sample {
  readonly atMs: number;
  readonly total: number;
}

const windowMs = 60_000;
/** Samples nearer to each other than this say little of a rate. */
const spanMsMin = 1_000;

/** The rate at which one total grows. */
export class RateMeter {
  /** Of the last minute, in order of time. */
  #samples: Sample[] = [];

  /** A total that shrank is another counter: what was known of the old one is forgotten. */
  sample(total: number, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && (total < last.total || atMs < last.atMs)) this.#samples = [];
    this.#samples.push({ atMs, total });
    while ((this.#samples[0]?.atMs ?? atMs) < atMs - windowMs) this.#samples.shift();
  }

  /** What it grew by a second, from the oldest sample of the last minute to `total` now; 0 before the first sample. */
  perSecond(total: number, nowMs: number): number {
    const first = this.#samples.find(({ atMs }) => atMs >= nowMs - windowMs) ?? this.#samples.at(-1);
    if (first === undefined || total < first.total) return 0;
    return (total - first.total) / (Math.max(spanMsMin, nowMs - first.atMs) / 1_000);
  }
}

/** Tasks a second. */
export interface QueueRates {
  readonly arrival: number;
  readonly service: number;
  /** Tasks that ran at once, on average over the last minute. */
  readonly runningMean: number;
}

/** The mean of what was seen over the last minute. */
class LevelMeter {
  #samples: Sample[] = [];

  sample(level: number, atMs: number): void {
    this.#samples = [...this.#samples.filter((one) => one.atMs >= atMs - windowMs), { atMs, total: level }];
  }

  /** 0 where nothing was seen. */
  mean(nowMs: number): number {
    const recent = this.#samples.filter(({ atMs }) => atMs >= nowMs - windowMs);
    return recent.length === 0 ? 0 : recent.reduce((sum, { total }) => sum + total, 0) / recent.length;
  }
}

interface Meters {
  readonly arrived: RateMeter;
  readonly ended: RateMeter;
  readonly running: LevelMeter;
}

/** The meters of all queues. */
export class RateMeters {
  readonly #queues = new Map<string, Meters>();
  #sampledMs: number | undefined;

  sample(all: readonly QueueStats[], nowMs: number): void {
    for (const { queue, arrived, ended, counts } of all) {
      const meters = this.#metersOf(queue);
      meters.arrived.sample(arrived, nowMs);
      meters.ended.sample(ended, nowMs);
      meters.running.sample(counts.RUNNING, nowMs);
    }
    this.#sampledMs = nowMs;
  }

  /** Up to now, when the totals are those of `stats`. */
  ratesOf({ queue, arrived, ended }: QueueStats, nowMs: number): QueueRates {
    const meters = this.#metersOf(queue);
    return {
      arrival: meters.arrived.perSecond(arrived, nowMs),
      service: meters.ended.perSecond(ended, nowMs),
      runningMean: meters.running.mean(nowMs),
    };
  }

  #metersOf(queue: string): Meters {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    const meters = { arrived: new RateMeter(), ended: new RateMeter(), running: new LevelMeter() };
    this.#queues.set(queue, meters);
    // A queue that was not among the last samples has begun since.
    if (this.#sampledMs !== undefined)
      for (const meter of [meters.arrived, meters.ended]) meter.sample(0, this.#sampledMs);
    return meters;
  }
}

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
}

/** The meters of all queues. */
export class RateMeters {
  readonly #queues = new Map<string, { readonly arrived: RateMeter; readonly ended: RateMeter }>();
  #sampledMs: number | undefined;

  sample(all: readonly QueueStats[], nowMs: number): void {
    for (const { queue, arrived, ended } of all) {
      const meters = this.#metersOf(queue);
      meters.arrived.sample(arrived, nowMs);
      meters.ended.sample(ended, nowMs);
    }
    this.#sampledMs = nowMs;
  }

  /** Up to now, when the totals are those of `stats`. */
  ratesOf({ queue, arrived, ended }: QueueStats, nowMs: number): QueueRates {
    const meters = this.#metersOf(queue);
    return {
      arrival: meters.arrived.perSecond(arrived, nowMs),
      service: meters.ended.perSecond(ended, nowMs),
    };
  }

  #metersOf(queue: string): { readonly arrived: RateMeter; readonly ended: RateMeter } {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    const meters = { arrived: new RateMeter(), ended: new RateMeter() };
    this.#queues.set(queue, meters);
    // A queue that was not among the last samples has begun since.
    if (this.#sampledMs !== undefined)
      for (const meter of Object.values(meters)) meter.sample(0, this.#sampledMs);
    return meters;
  }
}

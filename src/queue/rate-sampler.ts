/** Samples the totals of all queues every few seconds, which is what their rates are told by. */
import type { Clock } from "../core/clock.ts";
import { type QueueRates, RateMeters } from "./rates.ts";
import type { QueueStats } from "./store.ts";

export interface RateSamplerOptions {
  readonly stats: () => Promise<readonly QueueStats[]>;
  readonly clock: Clock;
}

const everyMs = 5_000;

export class RateSampler {
  readonly #options: RateSamplerOptions;
  readonly #meters = new RateMeters();
  #begunMs = Number.NEGATIVE_INFINITY;
  #sampling: Promise<void> | undefined;

  constructor(options: RateSamplerOptions) {
    this.#options = options;
  }

  /** Called at the sweeper's pace, so that a store which does not answer is not asked again and again. */
  sampleWhenDue(): void {
    const { stats, clock } = this.#options;
    if (this.#sampling !== undefined || clock.now() - this.#begunMs < everyMs) return;
    this.#begunMs = clock.now();
    this.#sampling = stats()
      .then((all) => this.#meters.sample(all, clock.now()))
      .catch(() => {})
      .finally(() => {
        this.#sampling = undefined;
      });
  }

  /** How fast tasks came in and ended lately, up to these stats, which are of now. */
  ratesOf(stats: QueueStats): QueueRates {
    return this.#meters.ratesOf(stats, this.#options.clock.now());
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    await this.#sampling;
  }
}

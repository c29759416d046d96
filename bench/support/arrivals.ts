/** Counts what a worker was handed and how long each was under way, and lets others wait for a count. */
import { nowMicros } from "./now.ts";
import { percentile } from "./statistics.ts";

export interface Latencies {
  readonly count: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
}

export class Arrivals {
  count = 0;
  #micros: number[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  /** `sentMicros`: when it was sent; undefined where that is not asked. */
  add(sentMicros?: number): void {
    this.count += 1;
    if (sentMicros !== undefined) this.#micros.push(nowMicros() - sentMicros);
    for (let next = this.#waiting[0]; next && this.count >= next.count; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.resolve();
    }
  }

  /** Resolves when `count` have come in all; askers ask for growing counts. */
  until(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Of those since the last call. */
  latencies(): Latencies {
    const micros = this.#micros;
    this.#micros = [];
    return {
      count: micros.length,
      p50Micros: percentile(micros, 50),
      p99Micros: percentile(micros, 99),
      maxMicros: percentile(micros, 100),
    };
  }

  /** As a part's answers. */
  methods() {
    return {
      count: () => this.count,
      until: (count: number) => this.until(count),
      latencies: () => this.latencies(),
    };
  }
}

/** How long tasks waited, in buckets that grow by a hundredth: any percentile to 1 %, whatever the number of tasks. */
const leastMs = 1;
const growth = Math.log(1.01);
const buckets = 2_200;

export class Waits {
  readonly #counts = new Float64Array(buckets);
  #total = 0;
  #sumMs = 0;
  #mostMs = 0;

  add(ms: number): void {
    const bucket = ms < leastMs ? 0 : 1 + Math.floor(Math.log(ms / leastMs) / growth);
    const at = bucket < buckets ? bucket : buckets - 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#total++;
    this.#sumMs += ms;
    if (ms > this.#mostMs) this.#mostMs = ms;
  }

  get total(): number {
    return this.#total;
  }

  get meanMs(): number {
    return this.#total === 0 ? 0 : this.#sumMs / this.#total;
  }

  get mostMs(): number {
    return this.#mostMs;
  }

  /** Not exceeded by `percent` % of the tasks; 0 where there are none. */
  percentileMs(percent: number): number {
    const rank = Math.ceil((percent / 100) * this.#total);
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank && count > 0)
        return bucket === 0 ? 0 : Math.min(this.#mostMs, leastMs * Math.exp(bucket * growth));
    }
    return 0;
  }

  /** Of the tasks, those that waited no longer than `ms`, in percent; 100 where there are none. */
  percentWithin(ms: number): number {
    if (this.#total === 0 || ms >= this.#mostMs) return 100;
    const last = ms < leastMs ? 0 : Math.floor(Math.log(ms / leastMs) / growth);
    return (100 * this.#counts.subarray(0, last + 1).reduce((sum, count) => sum + count, 0)) / this.#total;
  }
}

/** Times of which the next is always at hand: a binary heap without objects, since a simulation has millions of them. */
export class TimeHeap {
  #times = new Float64Array(1_024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Infinity: there is none. */
  get first(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  push(time: number): void {
    if (this.#size === this.#times.length) {
      const larger = new Float64Array(2 * this.#size);
      larger.set(this.#times);
      this.#times = larger;
    }
    const times = this.#times;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = times[parent] as number;
      if (above <= time) break;
      times[at] = above;
      at = parent;
    }
    times[at] = time;
  }

  /** Takes the first away. */
  pop(): void {
    const times = this.#times;
    const last = times[--this.#size] as number;
    const half = this.#size >> 1;
    let at = 0;
    while (at < half) {
      let child = 2 * at + 1;
      const right = child + 1;
      if (right < this.#size && (times[right] as number) < (times[child] as number)) child = right;
      const below = times[child] as number;
      if (below >= last) break;
      times[at] = below;
      at = child;
    }
    times[at] = last;
  }

  /** Takes the first away and adds another, in one step. */
  replace(time: number): void {
    this.#times[this.#size] = time;
    this.#size++;
    this.pop();
  }
}

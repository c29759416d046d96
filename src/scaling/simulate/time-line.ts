/** When tasks came that still wait, in that order: a ring without objects. */
export class TimeLine {
  #times = new Float64Array(1_024);
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** NaN: there is none. */
  get first(): number {
    return this.#size === 0 ? Number.NaN : (this.#times[this.#first] as number);
  }

  push(time: number): void {
    if (this.#size === this.#times.length) this.#grow();
    this.#times[(this.#first + this.#size) & (this.#times.length - 1)] = time;
    this.#size++;
  }

  shift(): number {
    const time = this.#times[this.#first] as number;
    this.#first = (this.#first + 1) & (this.#times.length - 1);
    this.#size--;
    return time;
  }

  /** To twice the length, which stays a power of two. */
  #grow(): void {
    const larger = new Float64Array(2 * this.#times.length);
    for (let at = 0; at < this.#size; at++)
      larger[at] = this.#times[(this.#first + at) & (this.#times.length - 1)] as number;
    this.#times = larger;
    this.#first = 0;
  }
}

/** Calls in flight, counted from when they are picked. */

/** Longer than any call takes from its pick to its start, which is some microtasks. */
const windowMs = 10;

/** Spans of time in which something was picked, numbered. */
let window = 0;
let windowEndMs = 0;

/** By the clock: a timer or an immediate for each turn of the event loop cost a call a tenth of its CPU. */
function thisWindow(): number {
  const nowMs = performance.now();
  if (nowMs >= windowEndMs) {
    window++;
    windowEndMs = nowMs + windowMs;
  }
  return window;
}

/**
 * grpc-js starts a call some microtasks after its pick: who counts calls that have started sees none of those that were picked
 * together. A pick that comes to nothing tells nobody, so picks count for a short while only.
 */
export class Tally {
  #started = 0;
  #picked = 0;
  #window = 0;

  get calls(): number {
    return this.#window === thisWindow() ? this.#started + this.#picked : this.#started;
  }

  /** The answer is for {@link started}. */
  pick(): number {
    const now = thisWindow();
    if (this.#window !== now) this.#picked = 0;
    this.#window = now;
    this.#picked++;
    return now;
  }

  started(pick: number): void {
    this.#started++;
    if (pick === this.#window) this.#picked--;
  }

  ended(): void {
    this.#started--;
  }
}

/** Calls in flight, counted from when they are picked. */

/** What is to be told of a call that was picked. */
export interface TalliedCall {
  started(): void;
  ended(): void;
}

/**
 * grpc-js starts a call some microtasks after its pick: who counts calls that have started sees none of those that were picked
 * in the same turn of the event loop. A pick that comes to nothing tells nobody, so picks count for that turn only.
 */
export class Tally {
  #started = 0;
  #picked = 0;
  #turn = 0;

  get calls(): number {
    return this.#started + this.#picked;
  }

  pick(): TalliedCall {
    if (this.#picked++ === 0) setImmediate(this.#nextTurn);
    const turn = this.#turn;
    return {
      started: () => {
        this.#started++;
        if (turn === this.#turn) this.#picked--;
      },
      ended: () => {
        this.#started--;
      },
    };
  }

  readonly #nextTurn = () => {
    this.#turn++;
    this.#picked = 0;
  };
}

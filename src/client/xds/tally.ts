/** Calls in flight, counted from when they are picked. */

/** Turns of the event loop in which something was picked. */
let turn = 0;
let isTurnOpen = false;

function thisTurn(): number {
  if (!isTurnOpen) {
    isTurnOpen = true;
    setImmediate(() => {
      isTurnOpen = false;
      turn++;
    });
  }
  return turn;
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
    return this.#turn === turn ? this.#started + this.#picked : this.#started;
  }

  /** The answer is for {@link started}. */
  pick(): number {
    const now = thisTurn();
    if (this.#turn !== now) this.#picked = 0;
    this.#turn = now;
    this.#picked++;
    return now;
  }

  started(pick: number): void {
    this.#started++;
    if (pick === turn) this.#picked--;
  }

  ended(): void {
    this.#started--;
  }
}

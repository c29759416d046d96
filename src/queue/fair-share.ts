/**
 * How many tasks one round asks for each worker, so that a few tasks are spread over all workers that are idle, on this server
 * and on others, and a deep queue is at full rounds soon: 1, 1, 2, 4 … as long as there is more. Pure.
 */

/** What one round asked for, and got. */
export interface Round {
  /** For each worker. */
  readonly asked: number;
  /** In all. */
  readonly given: number;
  readonly workers: number;
  /** Some worker got all that was asked. */
  readonly more: boolean;
}

/** One queue's share, from round to round. */
export class FairShare {
  /** What a worker was asked for since the queue was last found empty. */
  #asked = 0;
  #given = 0;
  #first = 1;

  /** What each worker is asked for next: as much as all rounds before, so that nobody gets more than twice another's. */
  get next(): number {
    return Math.max(this.#first, this.#asked);
  }

  /**
   * Where the queue is empty now, the next tasks are expected to be about as many, so that a steady stream costs few rounds;
   * after a round that found nothing at all, one for each worker.
   */
  told({ asked, given, workers, more }: Round): void {
    this.#given += given;
    if (more) {
      this.#asked += asked;
      return;
    }
    this.#first = Math.max(1, Math.ceil(this.#given / workers));
    this.#asked = 0;
    this.#given = 0;
  }
}

/**
 * Callers that arrive in one turn, or while a store call is in flight, share the next call. With nothing in flight it goes out
 * as soon as the turn's callers are through, so a lone caller waits for nobody and a crowd costs one round trip.
 */
interface Waiting<Item, Outcome> {
  readonly item: Item;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Item, Outcome> {
  readonly #call: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  readonly #itemsMax: number;
  #waiting: Waiting<Item, Outcome>[] = [];
  #inFlight = false;
  #isFlushing = false;

  /** `call` answers item by item, in order; `itemsMax` bounds one call (default 1,000). */
  constructor(call: (items: readonly Item[]) => Promise<readonly Outcome[]>, itemsMax = 1_000) {
    this.#call = call;
    this.#itemsMax = itemsMax;
  }

  add(item: Item): Promise<Outcome> {
    const outcome = this.#enqueue(item);
    this.#flushSoon();
    return outcome;
  }

  /** The outcomes in the items' order; rejects when any of them does. */
  addAll(items: readonly Item[]): Promise<Outcome[]> {
    const outcomes = items.map((item) => this.#enqueue(item));
    this.#flushSoon();
    return Promise.all(outcomes);
  }

  #enqueue(item: Item): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#waiting.push({ item, resolve, reject });
    return promise;
  }

  #flushSoon(): void {
    if (this.#inFlight || this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#inFlight || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.#itemsMax);
    this.#inFlight = true;
    void this.#send(batch);
  }

  async #send(batch: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#call(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => {
        waiting.resolve(outcomes[index] as Outcome);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      this.#inFlight = false;
      this.#flush();
    }
  }
}

/**
 * Callers that arrive in one turn, or while a store call is in flight, share the next call. With nothing in flight it goes out
 * as soon as the turn's callers are through, so a lone caller waits for nobody and a crowd costs one round trip.
 *
 * Waiting has bounds, since a store that is away holds each call up for seconds: so many may wait, and so long. Whoever is
 * refused by them is told that nothing was sent.
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { MeshError } from "../core/errors.ts";

export interface GroupCommitOptions {
  /** Items of one call. Default: 1,000. */
  readonly itemsMax?: number;
  /** Items that may wait for a call. Default: 100,000. */
  readonly waitingMax?: number;
  /** How long one may wait for its call to begin. Default: as long as a store's call may take. */
  readonly waitMsMax?: number;
  readonly clock?: Clock;
}

const defaults: Required<GroupCommitOptions> = {
  itemsMax: 1_000,
  waitingMax: 100_000,
  waitMsMax: 2_000,
  clock: systemClock,
};

/** One timer checks all that wait, this often within the longest wait. */
const checksPerWait = 20;
/** The part of the longest wait that one may have behind it when the call before finds the store away, and still be sent. */
const patience = 1 / 8;

interface Waiting<Item, Outcome> {
  readonly item: Item;
  readonly sinceMs: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Item, Outcome> {
  readonly #call: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  readonly #options: Required<GroupCommitOptions>;
  /** In order of arrival. */
  #waiting: Waiting<Item, Outcome>[] = [];
  #inFlight = false;
  #isFlushing = false;
  #timer: NodeJS.Timeout | undefined;

  /** `call` answers item by item, in order. */
  constructor(
    call: (items: readonly Item[]) => Promise<readonly Outcome[]>,
    options: GroupCommitOptions = {},
  ) {
    this.#call = call;
    this.#options = { ...defaults, ...options };
  }

  add(item: Item): Promise<Outcome> {
    if (this.#isFull()) return Promise.reject(this.#full());
    const outcome = this.#enqueue(item);
    this.#flushSoon();
    return outcome;
  }

  /** The outcomes in the items' order; rejects when any of them does. They are let in, or refused, together. */
  addAll(items: readonly Item[]): Promise<Outcome[]> {
    if (this.#isFull()) return Promise.reject(this.#full());
    const outcomes = items.map((item) => this.#enqueue(item));
    this.#flushSoon();
    return Promise.all(outcomes);
  }

  #isFull(): boolean {
    return this.#waiting.length >= this.#options.waitingMax;
  }

  #full(): MeshError {
    const { waitingMax } = this.#options;
    return new MeshError(
      "STORE_UNAVAILABLE",
      `the store is behind: ${waitingMax} calls wait for it already, and no more may; this one was not sent`,
      { metadata: { limit: String(waitingMax) } },
    );
  }

  #enqueue(item: Item): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#waiting.push({ item, sinceMs: this.#options.clock.now(), resolve, reject });
    return promise;
  }

  #flushSoon(): void {
    if (this.#inFlight) this.#watch();
    if (this.#inFlight || this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#inFlight || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.#options.itemsMax);
    this.#inFlight = true;
    if (this.#waiting.length > 0) this.#watch();
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
      // Another call may take as long again: only who came lately can still be answered in time.
      if (error instanceof MeshError && error.code === "UNAVAILABLE")
        this.#refuseOlderThan(this.#options.waitMsMax * patience);
    } finally {
      this.#inFlight = false;
      this.#flush();
    }
  }

  #watch(): void {
    const { waitMsMax } = this.#options;
    this.#timer ??= setInterval(() => {
      this.#refuseOlderThan(waitMsMax);
      if (this.#waiting.length > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, waitMsMax / checksPerWait).unref();
  }

  #refuseOlderThan(ageMs: number): void {
    const nowMs = this.#options.clock.now();
    const kept = this.#waiting.findIndex(({ sinceMs }) => nowMs - sinceMs < ageMs);
    const refused = this.#waiting.splice(0, kept === -1 ? this.#waiting.length : kept);
    for (const { sinceMs, reject } of refused)
      reject(
        new MeshError(
          "STORE_UNAVAILABLE",
          `the store does not answer: after ${nowMs - sinceMs} ms of waiting, this call was not sent`,
        ),
      );
  }
}

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

/** A caller that waits, with one item or with many: they are let in together and answered together. */
interface Waiting<Item, Outcome> {
  readonly items: readonly Item[];
  readonly sinceMs: number;
  /** Of the items that were sent already, where one call could not take them all. */
  readonly outcomes: Outcome[];
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: unknown) => void;
  /** How many of the items were sent. */
  sent: number;
}

/** What one call carries of one caller's items. */
interface Share<Item, Outcome> {
  readonly caller: Waiting<Item, Outcome>;
  readonly items: readonly Item[];
}

export class GroupCommit<Item, Outcome> {
  readonly #call: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  readonly #options: Required<GroupCommitOptions>;
  /** In order of arrival. */
  #waiting: Waiting<Item, Outcome>[] = [];
  #itemsWaiting = 0;
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

  async add(item: Item): Promise<Outcome> {
    const [outcome] = await this.addAll([item]);
    return outcome as Outcome;
  }

  /** The outcomes in the items' order; rejects when any of them does. They are let in, or refused, together. */
  addAll(items: readonly Item[]): Promise<Outcome[]> {
    if (items.length === 0) return Promise.resolve([]);
    if (this.#itemsWaiting >= this.#options.waitingMax) return Promise.reject(this.#full());
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    this.#waiting.push({ items, sinceMs: this.#options.clock.now(), outcomes: [], resolve, reject, sent: 0 });
    this.#itemsWaiting += items.length;
    this.#flushSoon();
    return promise;
  }

  #full(): MeshError {
    const { waitingMax } = this.#options;
    return new MeshError(
      "STORE_UNAVAILABLE",
      `the store is behind: ${waitingMax} calls wait for it already, and no more may; this one was not sent`,
      { metadata: { limit: String(waitingMax) } },
    );
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
    const batch = this.#take();
    this.#inFlight = true;
    if (this.#waiting.length > 0) this.#watch();
    void this.#send(batch);
  }

  /** The next call's items. Of a caller who has more than there is room for, the rest stays first in line. */
  #take(): Share<Item, Outcome>[] {
    const batch: Share<Item, Outcome>[] = [];
    let room = this.#options.itemsMax;
    let gone = 0;
    for (const caller of this.#waiting) {
      const items = caller.items.slice(caller.sent, caller.sent + room);
      batch.push({ caller, items });
      caller.sent += items.length;
      room -= items.length;
      if (caller.sent === caller.items.length) gone += 1;
      if (room === 0) break;
    }
    this.#waiting.splice(0, gone);
    this.#itemsWaiting -= this.#options.itemsMax - room;
    return batch;
  }

  async #send(batch: readonly Share<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#call(batch.flatMap(({ items }) => items));
      let at = 0;
      for (const { caller, items } of batch) {
        caller.outcomes.push(...outcomes.slice(at, at + items.length));
        at += items.length;
        if (caller.sent === caller.items.length) caller.resolve(caller.outcomes);
      }
    } catch (error) {
      for (const { caller } of batch) caller.reject(error);
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
    for (const { items, sent, sinceMs, reject } of refused) {
      this.#itemsWaiting -= items.length - sent;
      reject(
        new MeshError(
          "STORE_UNAVAILABLE",
          `the store does not answer: after ${nowMs - sinceMs} ms of waiting, this call was not sent`,
        ),
      );
    }
  }
}

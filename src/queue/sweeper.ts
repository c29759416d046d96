/** Calls the store's sweep when something is due: expired leases, scheduled tasks, undelivered effects, retention. */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { QueueStore, SweepReport } from "./store.ts";

export interface SweeperOptions {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly swept: (report: SweepReport) => void;
}

/** The longest pause between sweeps: bounds how long a lost signal, or another server's death, goes unnoticed. */
const pauseMsMax = 1_000;
const pauseMsMin = 5;
/** A timer this late means that the process was blocked. */
const blockedMs = 1_000;

export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #sweeping: Promise<void> | undefined;
  #running = false;
  #failing = false;
  /** Something was scheduled while a sweep was under way, which may not have seen it. */
  #hinted = false;
  /** The pause under way lets a blocked process catch up; it is granted once, then a sweep follows. */
  #catchingUp = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#plan(0);
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  /** Something was scheduled: learn when it is due, rather than at the next pause's end. */
  hint(): void {
    if (this.#sweeping !== undefined) this.#hinted = true;
    else if (this.#running && !this.#catchingUp) this.#plan(0);
  }

  #plan(pauseMs: number): void {
    clearTimeout(this.#timer);
    this.#dueMs = this.#options.clock.now() + pauseMs;
    this.#timer = setTimeout(() => this.#wake(), pauseMs).unref();
  }

  #wake(): void {
    // After the process was blocked, renewals wait unread in its sockets: let them in before leases are taken back.
    this.#catchingUp = !this.#catchingUp && this.#options.clock.now() - this.#dueMs > blockedMs;
    if (this.#catchingUp) this.#plan(pauseMsMax);
    else this.#sweeping = this.#sweep();
  }

  async #sweep(): Promise<void> {
    let pauseMs = pauseMsMax;
    try {
      const report = await this.#options.store.sweep();
      pauseMs = Math.max(pauseMsMin, Math.min(pauseMsMax, report.nextDueMs ?? pauseMsMax));
      this.#options.swept(report);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.#options.log.error({ error: String(error) }, "the store cannot be swept; trying on");
      this.#failing = true;
    }
    this.#sweeping = undefined;
    if (this.#running) this.#plan(this.#hinted ? 0 : pauseMs);
    this.#hinted = false;
  }
}

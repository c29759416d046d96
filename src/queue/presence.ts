/**
 * Says in the store which workers are attached to this server: soon after one came, and every few seconds, so that one that
 * has gone is forgotten. What is said explains why tasks wait; nothing is decided by it, so a failure is let be.
 */
import type { Presence } from "./store.ts";

export interface PresenceLoopOptions {
  /** Those that are attached now. */
  readonly present: () => readonly Presence[];
  readonly announce: (workers: readonly Presence[], presentMs: number) => Promise<void>;
}

const everyMs = 3_000;
/** Two announcements may be lost. */
const presentMs = 3 * everyMs + 1_000;
/** Workers that attach together are announced together. */
const soonMs = 20;

export class PresenceLoop {
  readonly #options: PresenceLoopOptions;
  #interval: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #announcing: Promise<void> | undefined;
  /** Somebody came while a call was under way that may not name them. */
  #again = false;
  #stopped = false;

  constructor(options: PresenceLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#interval = setInterval(() => this.#announce(), everyMs).unref();
  }

  /** A worker came. */
  soon(): void {
    if (this.#stopped) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#announce();
    }, soonMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#interval);
    clearTimeout(this.#soon);
    await this.#announcing;
  }

  #announce(): void {
    const workers = this.#options.present();
    if (workers.length === 0) return;
    if (this.#announcing !== undefined) {
      this.#again = true;
      return;
    }
    this.#announcing = this.#options
      .announce(workers, presentMs)
      .catch(() => {})
      .finally(() => {
        this.#announcing = undefined;
        if (this.#again) this.soon();
        this.#again = false;
      });
  }
}

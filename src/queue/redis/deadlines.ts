/** Gives up calls that have no answer in time: one timer for all of them, since a timer for each costs as much as its Lua. */
import { systemClock } from "../../core/clock.ts";

export interface DeadlinesOptions {
  readonly timeoutMs: number;
  /** Called when nothing was answered for as long again after a call was given up. */
  readonly onSilence: () => void;
}

interface Waiting {
  readonly sinceMs: number;
  readonly giveUp: (error: Error) => void;
}

const checksPerTimeout = 20;

export class Deadlines {
  readonly #options: DeadlinesOptions;
  /** In the order of their deadlines. */
  readonly #waiting = new Set<Waiting>();
  #silentSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** Settles as `answer` does, or rejects when that takes too long. */
  within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { sinceMs: systemClock.now(), giveUp: reject };
      this.#waiting.add(waiting);
      this.#timer ??= setInterval(() => this.#check(), this.#options.timeoutMs / checksPerTimeout);
      answer.then(
        (value) => {
          this.#settled(waiting);
          resolve(value);
        },
        (error: Error) => {
          this.#settled(waiting);
          reject(error);
        },
      );
    });
  }

  #settled(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    this.#silentSinceMs = undefined;
  }

  #check(): void {
    const { timeoutMs, onSilence } = this.#options;
    const nowMs = systemClock.now();
    for (const waiting of this.#waiting) {
      if (nowMs - waiting.sinceMs < timeoutMs) break;
      this.#waiting.delete(waiting);
      this.#silentSinceMs ??= nowMs;
      waiting.giveUp(new Error(`no answer within ${timeoutMs} ms`));
    }
    if (this.#silentSinceMs !== undefined && nowMs - this.#silentSinceMs >= timeoutMs) {
      this.#silentSinceMs = undefined;
      onSilence();
    }
    if (this.#waiting.size > 0 || this.#silentSinceMs !== undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export interface RetryBudgetOptions {
  /** Retries for each call; default 0.2. */
  readonly ratio?: number;
  /** Retries that may be saved up; default 100: a replica that dies takes the calls with it that it had. */
  readonly savedMax?: number;
}

/**
 * How many retries a channel may make: a part of its calls, and some besides. Without it, replicas that fail under load are
 * given twice or three times the load.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #savedMax: number;
  #saved: number;

  constructor({ ratio = 0.2, savedMax = 100 }: RetryBudgetOptions = {}) {
    this.#ratio = ratio;
    this.#savedMax = savedMax;
    this.#saved = savedMax;
  }

  /** A call begins. */
  call(): void {
    this.#saved = Math.min(this.#savedMax, this.#saved + this.#ratio);
  }

  /** A call wants to be tried again: whether it may. */
  retry(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}

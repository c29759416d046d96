/** One worker's leases, as the thread that renews them is told: many at once, since each message wakes the thread. */
import type { Heartbeat, HeldTerm } from "./heartbeat.ts";

/** How long the thread may go on with a lease that has been answered: renewed once more, it is refused, and nobody minds. */
const dropMsMax = 100;

export interface HeldLeasesOptions {
  readonly heartbeat: Heartbeat;
  readonly role: string;
  readonly workerId: string;
  readonly leaseMs: number;
}

export class HeldLeases {
  readonly #options: HeldLeasesOptions;
  #dropped: HeldTerm[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeldLeasesOptions) {
    this.#options = options;
  }

  /** Told at once, before their handlers run: one that blocks its thread would keep it from being told. */
  hold(terms: readonly HeldTerm[]): void {
    this.#tell(terms);
  }

  /** Its task has ended. */
  drop(term: HeldTerm): void {
    this.#dropped.push(term);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#dropped.length > 0) this.#tell([]);
    }, dropMsMax).unref();
  }

  /** It is to run out, although its handler may go on. */
  letGo(term: HeldTerm): void {
    this.#dropped.push(term);
    this.#tell([]);
  }

  #tell(hold: readonly HeldTerm[]): void {
    const { heartbeat, ...worker } = this.#options;
    const drop = this.#dropped;
    this.#dropped = [];
    heartbeat.send({ ...worker, hold, drop });
  }
}

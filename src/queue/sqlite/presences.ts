/** Workers that wait, as they last said: in the owner's memory, for a while. */
import type { Clock } from "../../core/clock.ts";
import type { Presence } from "../store.ts";

const shownMax = 100;

export class Presences {
  readonly #clock: Clock;
  readonly #queues = new Map<string, Map<string, { presence: Presence; untilMs: number }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announce(workers: readonly Presence[], presentMs: number): void {
    const untilMs = this.#clock.now() + presentMs;
    for (const queue of this.#queues.keys()) this.#drop(queue);
    for (const presence of workers) {
      const present = this.#queues.get(presence.queue) ?? new Map();
      this.#queues.set(presence.queue, present);
      present.set(presence.workerId, { presence, untilMs });
    }
  }

  of(queue: string): Presence[] {
    this.#drop(queue);
    const present = [...(this.#queues.get(queue)?.values() ?? [])];
    return present.slice(0, shownMax).map(({ presence }) => presence);
  }

  #drop(queue: string): void {
    const present = this.#queues.get(queue);
    const nowMs = this.#clock.now();
    for (const [workerId, { untilMs }] of present ?? []) if (untilMs <= nowMs) present?.delete(workerId);
    if (present?.size === 0) this.#queues.delete(queue);
  }
}

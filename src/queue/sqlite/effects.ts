/** What a transaction did that others may wait for: told after its commit, as one signal a queue. */
import type { FencedTask, StoreSignal } from "../store.ts";

interface QueueEffects {
  ready: boolean;
  /** A task may stand here more than once. */
  readonly changed: string[];
  readonly revoked: FencedTask[];
}

export class Effects {
  readonly #queues = new Map<string, QueueEffects>();

  ready(queue: string): void {
    this.#of(queue).ready = true;
  }

  changed(queue: string, taskIds: readonly string[]): void {
    this.#of(queue).changed.push(...taskIds);
  }

  revoked(queue: string, term: FencedTask): void {
    this.#of(queue).revoked.push(term);
  }

  /** Takes over what a part of the transaction did. */
  add(part: Effects): void {
    for (const [queue, effects] of part.#queues) {
      const own = this.#of(queue);
      own.ready ||= effects.ready;
      for (const taskId of effects.changed) own.changed.push(taskId);
      own.revoked.push(...effects.revoked);
    }
  }

  signals(): StoreSignal[] {
    return [...this.#queues].map(([queue, { ready, changed, revoked }]) => ({
      queue,
      ready,
      changed: [...new Set(changed)],
      revoked,
    }));
  }

  #of(queue: string): QueueEffects {
    let effects = this.#queues.get(queue);
    if (effects === undefined) {
      effects = { ready: false, changed: [], revoked: [] };
      this.#queues.set(queue, effects);
    }
    return effects;
  }
}

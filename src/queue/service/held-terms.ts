/** The terms that one stream has handed over or seen renewed: whose revocation it must tell. */
import { limits } from "../../core/limits.ts";
import type { FencedTask } from "../store.ts";

export class HeldTerms {
  readonly #fences = new Map<string, number>();

  /** Beyond what a worker may hold, the longest unseen go first. */
  add({ taskId, fence }: FencedTask): void {
    this.#fences.delete(taskId);
    this.#fences.set(taskId, fence);
    if (this.#fences.size > limits.creditMax) this.#fences.delete(this.#fences.keys().next().value as string);
  }

  has({ taskId, fence }: FencedTask): boolean {
    return this.#fences.get(taskId) === fence;
  }

  /** A newer term on the same task stays. */
  delete(term: FencedTask): void {
    if (this.has(term)) this.#fences.delete(term.taskId);
  }
}

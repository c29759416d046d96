/** What one Work stream has to say: parts pushed within one turn leave as one message, in order. */
import { type Lease, WorkResponse } from "../../gen/grpc/agentmesh/v1/worker.ts";

export class Outbox implements AsyncIterable<WorkResponse> {
  #next: WorkResponse | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  push(part: Partial<WorkResponse>): void {
    this.#next ??= WorkResponse.create();
    const next = this.#next;
    next.welcome = part.welcome ?? next.welcome;
    next.drain ||= part.drain ?? false;
    if (part.leases) next.leases.push(...part.leases);
    if (part.renewed) next.renewed.push(...part.renewed);
    if (part.finished) next.finished.push(...part.finished);
    if (part.revoked) next.revoked.push(...part.revoked);
    if (part.appendRefused) next.appendRefused.push(...part.appendRefused);
    this.#wake?.();
  }

  /** What was pushed before is still told. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  unsentLeases(): Lease[] {
    const leases = this.#next?.leases ?? [];
    this.#next = undefined;
    return leases;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WorkResponse> {
    for (;;) {
      if (this.#next !== undefined) {
        const message = this.#next;
        this.#next = undefined;
        yield message;
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

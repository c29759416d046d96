/**
 * A worker's side of one Work stream: parts pushed within one turn leave as one message, and while the stream has no room
 * they gather.
 */
import { WorkerServiceService, WorkRequest, type WorkResponse } from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { BidiCall, Connection } from "../rpc/connection.ts";

/** A stream is renewed after this long; leases outlive it. */
const streamMsMax = 24 * 3_600_000;

export class ReportStream {
  readonly responses: AsyncIterable<WorkResponse>;
  readonly #call: BidiCall<WorkRequest, WorkResponse>;
  #next: WorkRequest | undefined;
  #flushing: Promise<void> | undefined;

  constructor(connection: Connection, hello: NonNullable<WorkRequest["hello"]>) {
    this.#call = connection.bidi(WorkerServiceService.work, { timeoutMs: streamMsMax });
    this.responses = this.#call.responses;
    this.push({ hello });
  }

  push(part: Partial<WorkRequest>): void {
    this.#next ??= WorkRequest.create();
    const next = this.#next;
    next.hello = part.hello ?? next.hello;
    next.credit += part.credit ?? 0;
    next.drain ||= part.drain ?? false;
    if (part.renew) next.renew.push(...part.renew);
    if (part.append) next.append.push(...part.append);
    if (part.finish) next.finish.push(...part.finish);
    this.#flushing ??= this.#flush();
  }

  /** Resolves when all that was pushed is handed to the stream. */
  async flushed(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  async #flush(): Promise<void> {
    // One turn of the event loop, so that what comes together travels together.
    await new Promise(setImmediate);
    while (this.#next !== undefined) {
      const message = this.#next;
      this.#next = undefined;
      await this.#call.send(message);
    }
    this.#flushing = undefined;
  }
}

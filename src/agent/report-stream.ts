/**
 * A worker's side of one Work stream: what is pushed leaves as the stream has room. Of what was pushed when a stream breaks
 * nothing more is known: ends are told again on the next one, log entries that were under way are lost.
 */
import {
  WorkerServiceService,
  type WorkRequest,
  type WorkResponse,
} from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { BidiCall, Connection } from "../rpc/connection.ts";
import { Outgoing } from "./outgoing.ts";

/** A stream is renewed after this long; leases outlive it. */
const streamMsMax = 24 * 3_600_000;

export class ReportStream {
  readonly responses: AsyncIterable<WorkResponse>;
  readonly #call: BidiCall<WorkRequest, WorkResponse>;
  readonly #outgoing = new Outgoing();
  #ended = false;
  #flushing: Promise<void> | undefined;

  constructor(connection: Connection, hello: NonNullable<WorkRequest["hello"]>) {
    this.#call = connection.bidi(WorkerServiceService.work, { timeoutMs: streamMsMax });
    this.responses = this.#call.responses;
    this.push({ hello });
  }

  push(part: Partial<WorkRequest>): void {
    if (this.#ended) return;
    this.#outgoing.push(part);
    this.#flushing ??= this.#flush();
  }

  /** Resolves when all that was pushed is handed to the stream. */
  async flushed(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  /** Says nothing more, after what was pushed; the server then ends the stream. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.flushed().then(() => this.#call.end());
  }

  cancel(): void {
    this.#call.cancel();
  }

  async #flush(): Promise<void> {
    // One turn of the event loop, so that what comes together travels together.
    await new Promise(setImmediate);
    for (let message = this.#outgoing.take(); message !== undefined; message = this.#outgoing.take())
      await this.#call.send(message);
    this.#flushing = undefined;
  }
}

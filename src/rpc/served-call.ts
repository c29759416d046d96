/** One call that grpc-js serves, as its handler sees it. */
import type { EventEmitter } from "node:events";
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { CallContext } from "../core/call.ts";
import { systemClock } from "../core/clock.ts";
import { MeshError } from "../core/errors.ts";

export type GrpcCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

/** grpc-js counts deadlines on the machine's clock, which may be a little apart from ours. */
const clockToleranceMs = 20;

/** The calls that a server has under way. */
export type CallsUnderWay = Set<ServedCall>;

export class ServedCall implements CallContext {
  readonly deadlineMs: number | undefined;
  /** A stream that would not end by itself: a shutdown waits for it a moment only. */
  readonly endless: boolean;
  readonly #call: GrpcCall;
  /** Made when it is asked for: most calls are over before anybody would stop them. */
  #abort: AbortController | undefined;
  #stopped: MeshError | undefined;
  #ended = false;

  constructor(call: GrpcCall, endless: boolean) {
    this.#call = call;
    this.endless = endless;
    const deadline = call.getDeadline();
    const deadlineMs = deadline instanceof Date ? deadline.getTime() : deadline;
    this.deadlineMs = Number.isFinite(deadlineMs) ? deadlineMs : undefined;
    // grpc-js says "cancelled" when the caller goes, when the deadline passes, and once more when a call has ended well.
    (call as EventEmitter).once("cancelled", () => {
      const isOver = this.#ended && this.#abort === undefined;
      if (!isOver) this.stop(this.#isLate() ? late() : gone());
    });
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#stopped) this.#abort.abort(this.#stopped);
    }
    return this.#abort.signal;
  }

  /** Why the call was stopped; undefined while it goes on. */
  get stopped(): MeshError | undefined {
    return this.#stopped;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  header(name: string): string | undefined {
    return this.#call.metadata.get(name)[0]?.toString();
  }

  /** The handler is to end now, for this reason. */
  stop(reason: MeshError): void {
    this.#stopped ??= reason;
    this.#abort?.abort(this.#stopped);
  }

  /** The handler has ended: nothing is left to stop but what it gave the signal to, a reading of the requests, say. */
  end(): void {
    this.#ended = true;
  }

  #isLate(): boolean {
    return this.deadlineMs !== undefined && systemClock.now() >= this.deadlineMs - clockToleranceMs;
  }
}

function gone(): MeshError {
  return new MeshError("CALL_CANCELED", "the caller gave the call up");
}

function late(): MeshError {
  return new MeshError("DEADLINE_EXCEEDED", "the call did not end within its deadline");
}

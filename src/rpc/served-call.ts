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
  readonly signal: AbortSignal;
  readonly deadlineMs: number | undefined;
  /** A stream that would not end by itself: a shutdown waits for it a moment only. */
  readonly endless: boolean;
  readonly #abort = new AbortController();
  readonly #call: GrpcCall;

  constructor(call: GrpcCall, endless: boolean) {
    this.#call = call;
    this.endless = endless;
    this.signal = this.#abort.signal;
    const deadline = call.getDeadline();
    const deadlineMs = deadline instanceof Date ? deadline.getTime() : deadline;
    this.deadlineMs = Number.isFinite(deadlineMs) ? deadlineMs : undefined;
    // grpc-js says "cancelled" when the caller goes, when the deadline passes, and once more when a call has ended well.
    (call as EventEmitter).once("cancelled", () => this.stop(this.#isLate() ? late() : gone()));
  }

  /** Why the call was stopped; undefined while it goes on. */
  get stopped(): MeshError | undefined {
    return this.signal.aborted ? (this.signal.reason as MeshError) : undefined;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  header(name: string): string | undefined {
    return this.#call.metadata.get(name)[0]?.toString();
  }

  /** The handler is to end now, for this reason. */
  stop(reason: MeshError): void {
    this.#abort.abort(reason);
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

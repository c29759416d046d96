/** Mounts a service's plain handlers on grpc-js: calls become functions, streams become async iterables with back pressure. */

import { setImmediate } from "node:timers/promises";
import type {
  MethodDefinition,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type CallContext, Encoded } from "../core/call.ts";
import { MeshError } from "../core/errors.ts";
import { CallRecord, type CallRecordOptions } from "./call-record.ts";
import { type CallsUnderWay, type GrpcCall, ServedCall } from "./served-call.ts";
import { toStatus } from "./status.ts";

export type { CallObserver } from "./call-record.ts";

export interface MountOptions extends CallRecordOptions {
  /** Every call is in it from its begin to its end. */
  readonly underWay: CallsUnderWay;
  /** Two-way streams are endless too, as those that only answer are. */
  readonly endless: boolean;
}

type UnaryLike = (request: unknown, context: CallContext) => Promise<unknown>;
type StreamLike = (request: unknown, context: CallContext) => AsyncIterable<unknown>;
type StreamCall = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** A request that no decoder could read, in the request's place: grpc-js would call it a fault of the server. */
class Undecodable {
  readonly #cause: unknown;

  constructor(cause: unknown) {
    this.#cause = cause;
  }

  error(): MeshError {
    const why = this.#cause instanceof Error ? this.#cause.message : String(this.#cause);
    const fields = [{ field: "request", description: `cannot be decoded: ${why}` }];
    return new MeshError("INVALID_FIELD", `request: cannot be decoded: ${why}`, {
      fields,
      cause: this.#cause,
    });
  }
}

/**
 * The service as {@link mount}'s handlers read and write it: what cannot be decoded reaches them, and is refused as the caller's
 * fault; what they have encoded leaves as it is.
 */
export function mountable(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new Undecodable(error);
      }
    };
    const responseSerialize = (response: unknown): Buffer =>
      response instanceof Encoded ? response.bytes : method.responseSerialize(response);
    return [name, { ...method, requestDeserialize, responseSerialize }];
  });
  return Object.fromEntries(methods);
}

function decoded(request: unknown): unknown {
  if (request instanceof Undecodable) throw request.error();
  return request;
}

/** The grpc-js implementation of `handlers`; a method without a handler is UNIMPLEMENTED. */
export function mount(
  definition: ServiceDefinition,
  handlers: object,
  options: MountOptions,
): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = (handlers as Readonly<Record<string, unknown>>)[name];
    if (handler === undefined) continue;
    const begin = (call: GrpcCall) => new CallUnderWay(call, method, options);
    if (!method.responseStream)
      implementation[name] = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
        void serveUnary(begin(call), handler as UnaryLike, call, callback);
    else if (!method.requestStream)
      implementation[name] = (call: ServerWritableStream<unknown, unknown>) =>
        void serveStream(begin(call), call, (context) =>
          (handler as StreamLike)(decoded(call.request), context),
        );
    else
      implementation[name] = (call: ServerDuplexStream<unknown, unknown>) =>
        void serveStream(begin(call), call, (context) =>
          (handler as StreamLike)(requestsOf(call, context), context),
        );
  }
  return implementation;
}

class CallUnderWay {
  readonly served: ServedCall;
  readonly #record: CallRecord;
  readonly #underWay: CallsUnderWay;

  constructor(call: GrpcCall, method: MethodDefinition<unknown, unknown>, options: MountOptions) {
    this.served = new ServedCall(call, method.responseStream && (options.endless || !method.requestStream));
    this.#record = new CallRecord(method.path, options);
    this.#underWay = options.underWay;
    this.#underWay.add(this.served);
  }

  succeeded(): void {
    this.#end();
    this.#record.succeeded();
  }

  /** What to answer with. A call that was stopped ends for that reason, whatever its handler made of it. */
  failed(thrown: unknown): MeshError {
    this.#end();
    return this.#record.failed(this.served.stopped ?? thrown);
  }

  #end(): void {
    this.#underWay.delete(this.served);
    this.served.end();
  }
}

async function serveUnary(
  call: CallUnderWay,
  handler: UnaryLike,
  { request }: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
): Promise<void> {
  let response: unknown;
  try {
    response = await handler(decoded(request), call.served);
  } catch (error) {
    return callback(toStatus(call.failed(error)));
  }
  call.succeeded();
  callback(null, response);
}

async function serveStream(
  underWay: CallUnderWay,
  call: StreamCall,
  respond: (context: CallContext) => AsyncIterable<unknown>,
): Promise<void> {
  const { served } = underWay;
  // A stream's own error (the peer reset it, say) ends the reading; it must not end the process.
  call.on("error", () => {});
  try {
    for await (const response of respond(served)) {
      // A call that has ended says neither that it is full nor that it has room again.
      if (served.stopped === undefined && !call.write(response)) await drained(call, served.signal);
      if (served.stopped) break;
    }
    if (served.stopped) throw served.stopped;
  } catch (error) {
    const status = toStatus(underWay.failed(error));
    call.emit("error", status);
    return;
  }
  underWay.succeeded();
  call.end();
}

/**
 * The requests of a two-way stream. A handler that stops reading (a bad message, say) leaves the call as it is, since its
 * answer is still to be sent; a call that is stopped ends the reading.
 */
async function* requestsOf(
  call: ServerDuplexStream<unknown, unknown>,
  { signal }: CallContext,
): AsyncGenerator<unknown> {
  const reading = call.iterator({ destroyOnReturn: false });
  let interrupt: (reason: unknown) => void = () => {};
  const stop = () => interrupt(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<unknown>>((resolve, reject) => {
        interrupt = reject;
        if (signal.aborted) reject(signal.reason);
        reading.next().then(resolve, reject);
      });
      if (next.done) break;
      yield decoded(next.value);
    }
    // grpc-js tells of a stream that was reset as of one that ended well, and of the reset a moment later.
    await setImmediate();
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function drained(call: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.removeListener("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) return resolve();
    call.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

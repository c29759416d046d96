/** One connection to a server: calls as promises and async iterables, a deadline on each, errors as MeshError. */
import type { EventEmitter } from "node:events";
import type { Readable } from "node:stream";
import {
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { fromServiceError, isServiceError } from "./status.ts";

export interface CallOptions {
  /** How long the call may take in all. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A bidirectional stream under way. */
export interface BidiCall<Request, Response> {
  /** Resolves when the stream has room for more. */
  send(request: Request): Promise<void>;
  /** Says that nothing more will be sent. */
  end(): void;
  cancel(): void;
  readonly responses: AsyncIterable<Response>;
}

const channelOptions: ClientOptions = {
  "grpc.max_receive_message_length": limits.messageBytesMax,
  "grpc.max_send_message_length": limits.messageBytesMax,
  "grpc-node.flow_control_window": 4 * 1_048_576,
  // Longer than a server's drain: a shorter one kills calls that are in flight after a GOAWAY.
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
  // A connection of its own, so that a new one dials at once while an old one pauses after a failure.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
};

export class Connection {
  /** As dialed, such as "127.0.0.1:9090". */
  readonly address: string;
  readonly #client: Client;

  constructor(address: string) {
    this.address = address;
    this.#client = new Client(address, credentials.createInsecure(), channelOptions);
  }

  unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const call = this.#client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: deadlineOf(options) },
      (error, response) => (error ? reject(this.#error(error)) : resolve(response as Response)),
    );
    const unlink = cancelOnAbort(call, options.signal);
    return promise.finally(unlink);
  }

  async *serverStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response> {
    const call = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: deadlineOf(options) },
    );
    const reading = readingOf(call);
    const unlink = cancelOnAbort(call, options.signal);
    try {
      yield* this.#responses<Response>(reading);
    } finally {
      unlink();
    }
  }

  bidi<Request, Response>(
    method: MethodDefinition<Request, Response>,
    options: CallOptions,
  ): BidiCall<Request, Response> {
    const call = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      new Metadata(),
      { deadline: deadlineOf(options) },
    );
    const reading = readingOf(call);
    const unlink = cancelOnAbort(call, options.signal);
    const room = roomOf(call);
    call.on("status", unlink);
    return {
      send: (request) => (room.ended() || call.write(request) ? Promise.resolve() : room.next()),
      end: () => call.end(),
      cancel: () => call.cancel(),
      responses: this.#responses<Response>(reading),
    };
  }

  close(): void {
    this.#client.close();
  }

  async *#responses<Response>({ call, failure }: Reading): AsyncGenerator<Response> {
    try {
      for await (const response of call) yield response as Response;
      // An error from before the reading began is no event any more: the stream just ends.
      const missed = failure();
      if (missed) throw missed;
    } catch (error) {
      throw isServiceError(error) ? this.#error(error) : MeshError.from(error);
    } finally {
      call.cancel();
    }
  }

  #error(error: ServiceError): MeshError {
    return fromServiceError(error, this.address);
  }
}

type StreamCall = Readable & { cancel(): void };

interface Reading {
  readonly call: StreamCall;
  /** The error that the call ended with. */
  failure(): Error | undefined;
}

/** Keeps the call's error for whoever reads the responses; without a reader it must not end the process. */
function readingOf(call: StreamCall): Reading {
  let failure: Error | undefined;
  call.on("error", (error: Error) => {
    failure ??= error;
  });
  return { call, failure: () => failure };
}

/** Those who wait for a stream to have room again; the end of the call sets them free too. */
function roomOf(call: EventEmitter): { ended(): boolean; next(): Promise<void> } {
  let ended = false;
  let waiting = Promise.withResolvers<void>();
  const wake = () => {
    waiting.resolve();
    waiting = Promise.withResolvers();
  };
  call.on("drain", wake);
  call.on("status", () => {
    ended = true;
    wake();
  });
  return { ended: () => ended, next: () => waiting.promise };
}

function deadlineOf(options: CallOptions): number {
  // grpc-js counts deadlines on the machine's own clock.
  return Date.now() + options.timeoutMs;
}

function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  if (!signal) return () => {};
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}

/** One connection to a server: calls as promises and async iterables, a deadline on each, errors as MeshError. */
import type { EventEmitter } from "node:events";
import type { Readable } from "node:stream";
import {
  Client,
  type ClientOptions,
  connectivityState,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { MeshError } from "../core/errors.ts";
import { idempotentHeader, idempotentValue } from "../core/idempotent-call.ts";
import { limits } from "../core/limits.ts";
import { fromServiceError, isServiceError } from "./status.ts";

export interface CallOptions {
  /** How long the call may take in all. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The call may be tried again although its RPC is not idempotent by itself: it carries an idempotency key, say. */
  readonly idempotent?: boolean;
}

/** Told of each call's end. */
export interface CallsObserver {
  /** `endpoint` is the replica's address; empty: none was reached. `code` is gRPC's name, such as UNAVAILABLE. */
  called(call: {
    readonly role: string;
    readonly endpoint: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
}

export interface ConnectionOptions {
  /** Over those that every connection has. */
  readonly channel?: ClientOptions;
  readonly observer?: CallsObserver;
  /** The role whose replicas a control plane tells of. */
  readonly role?: string;
  /** The first call fails when nothing has been reached within this time, where its deadline may be far; default: its deadline. */
  readonly firstAnswerMsMax?: number;
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
  // Counts and traces of each call that nobody asks for.
  "grpc.enable_channelz": 0,
};

export class Connection {
  /** As dialed, such as "127.0.0.1:9090". */
  readonly address: string;
  readonly #options: ConnectionOptions;
  readonly #client: Client;
  /** A replica has answered once. */
  #answered = false;

  constructor(address: string, options: ConnectionOptions = {}) {
    this.address = address;
    this.#options = options;
    this.#client = new Client(address, credentials.createInsecure(), {
      ...channelOptions,
      ...options.channel,
    });
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
      metadataOf(options),
      { deadline: deadlineOf(options) },
      (error, response) => (error ? reject(followed.error(error)) : resolve(response as Response)),
    );
    const followed = this.#follow(call, options);
    return promise.finally(followed.unlink);
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
      metadataOf(options),
      { deadline: deadlineOf(options) },
    );
    const reading = readingOf(call);
    const followed = this.#follow(call, options);
    try {
      yield* responsesOf<Response>(reading, followed);
    } finally {
      followed.unlink();
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
      metadataOf(options),
      { deadline: deadlineOf(options) },
    );
    const reading = readingOf(call);
    const followed = this.#follow(call, options);
    const room = roomOf(call);
    call.on("status", followed.unlink);
    return {
      send: (request) => (room.ended() || call.write(request) ? Promise.resolve() : room.next()),
      end: () => call.end(),
      cancel: () => call.cancel(),
      responses: responsesOf<Response>(reading, followed),
    };
  }

  close(): void {
    this.#client.close();
  }

  /** Sees to a call that is under way: its abort, its bound until a replica is found, what observers are told. */
  #follow(call: GrpcCall, options: CallOptions): Followed {
    const unlink = cancelOnAbort(call, options.signal);
    const { observer, role = "" } = this.#options;
    const guard = this.#guard(call);
    const beganMs = observer ? performance.now() : 0;
    if (observer || guard)
      call.on("status", ({ code }: StatusObject) => {
        clearTimeout(guard?.timer);
        if (code !== status.UNAVAILABLE && code !== status.CANCELLED) this.#answered = true;
        const seconds = (performance.now() - beganMs) / 1_000;
        observer?.called({ role, endpoint: endpointOf(call), code: status[code] ?? String(code), seconds });
      });
    return {
      unlink,
      error: (error) => (guard?.isOver() ? this.#noAnswer() : fromServiceError(error, this.address, role)),
    };
  }

  /** Ends a call that waits for a control plane which has never been heard of: its own deadline may be far. */
  #guard(call: GrpcCall): Guard | undefined {
    const { firstAnswerMsMax } = this.#options;
    if (firstAnswerMsMax === undefined || this.#answered) return undefined;
    let over = false;
    const timer = setTimeout(() => {
      if (this.#client.getChannel().getConnectivityState(false) === connectivityState.READY) return;
      over = true;
      call.cancel();
    }, firstAnswerMsMax);
    return { timer, isOver: () => over };
  }

  #noAnswer(): MeshError {
    const { role = "", firstAnswerMsMax = 0 } = this.#options;
    const message = `no healthy replica of ${role}: no control plane has told of any within ${firstAnswerMsMax} ms; check client.discovery`;
    return new MeshError("NO_HEALTHY_REPLICA", message);
  }
}

type GrpcCall = EventEmitter & { cancel(): void; getPeer(): string };

interface Guard {
  readonly timer: NodeJS.Timeout;
  isOver(): boolean;
}

/** A call under way. */
interface Followed {
  /** The call has ended: nothing is listened to any more. */
  unlink(): void;
  /** What its caller is told. */
  error(error: ServiceError): MeshError;
}

async function* responsesOf<Response>(
  { call, failure }: Reading,
  { error: told }: Followed,
): AsyncGenerator<Response> {
  try {
    for await (const response of call) yield response as Response;
    // An error from before the reading began is no event any more: the stream just ends.
    const missed = failure();
    if (missed) throw missed;
  } catch (error) {
    throw isServiceError(error) ? told(error) : MeshError.from(error);
  } finally {
    call.cancel();
  }
}

/** The replica that a call went to; grpc-js names the target while there is none. */
function endpointOf(call: GrpcCall): string {
  const peer = call.getPeer();
  return /^(\[.+\]|\d+(\.\d+){3}):\d+$/.test(peer) ? peer : "";
}

function metadataOf({ idempotent }: CallOptions): Metadata {
  const metadata = new Metadata();
  if (idempotent) metadata.set(idempotentHeader, idempotentValue);
  return metadata;
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

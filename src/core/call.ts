/**
 * What a service is, whatever transport carries it: plain functions over the contract's messages. `rpc/` mounts them on gRPC
 * and `gateway/` on HTTP, so no method is written twice.
 */
import type { handleBidiStreamingCall, handleServerStreamingCall, handleUnaryCall } from "@grpc/grpc-js";

/** The call that a handler serves. */
export interface CallContext {
  /** Aborts when the caller has gone or the deadline has passed; a handler that waits must then end. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting; undefined: never. */
  readonly deadlineMs: number | undefined;
  /** The caller's address, such as "127.0.0.1:51234"; empty where it is not known. */
  readonly peer: string;
  /** A request header, in lower case. */
  header(name: string): string | undefined;
}

/** A message in its wire form already: a stream may answer with it in the message's place. */
export class Encoded {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

export type UnaryHandler<Request, Response> = (request: Request, call: CallContext) => Promise<Response>;
export type ServerStreamHandler<Request, Response> = (
  request: Request,
  call: CallContext,
) => AsyncIterable<Response>;
export type BidiHandler<Request, Response> = (
  requests: AsyncIterable<Request>,
  call: CallContext,
) => AsyncIterable<Response | Encoded>;

type HandlerOf<Method> =
  Method extends handleUnaryCall<infer Request, infer Response>
    ? UnaryHandler<Request, Response>
    : Method extends handleServerStreamingCall<infer Request, infer Response>
      ? ServerStreamHandler<Request, Response>
      : Method extends handleBidiStreamingCall<infer Request, infer Response>
        ? BidiHandler<Request, Response>
        : never;

/** The handlers of a generated service, such as `HandlersOf<TaskServiceServer>`: every method, checked by the compiler. */
export type HandlersOf<Service> = {
  [Name in keyof Service as string extends Name ? never : Name]: HandlerOf<Service[Name]>;
};

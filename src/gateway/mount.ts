/**
 * Mounts services' plain handlers on a Connect router. Connect speaks protobuf-es messages and the handlers speak ts-proto's;
 * bytes are what both read and write, so one function serves every method of the contract.
 */
import { type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { ConnectRouter, ConnectRouterOptions, HandlerContext, MethodImpl } from "@connectrpc/connect";
import type { MethodDefinition } from "@grpc/grpc-js";
import type { CallContext } from "../core/call.ts";
import type { Clock } from "../core/clock.ts";
import { CallRecord, type CallRecordOptions } from "../rpc/call-record.ts";
import type { MountedService } from "../rpc/server.ts";
import { gone, stopReason, toConnectError } from "./connect-error.ts";
import { describedService } from "./contract.ts";

export interface EdgeMountOptions extends CallRecordOptions {
  readonly clock: Clock;
}

/** What Connect is told of the methods of each kind. */
export interface RouteOptions {
  readonly unary: ConnectRouterOptions;
  readonly stream: ConnectRouterOptions;
}

type UnaryLike = (request: unknown, call: CallContext) => Promise<unknown>;
type StreamLike = (request: unknown, call: CallContext) => AsyncIterable<unknown>;

/** Two-way streams are left out: HTTP/1.1 cannot carry them. */
export function mountOnConnect(
  router: ConnectRouter,
  service: MountedService,
  options: EdgeMountOptions & RouteOptions,
): void {
  for (const method of describedService(service.name).methods) {
    const definition = service.definition[method.localName];
    const handler = (service.handlers as Readonly<Record<string, unknown>>)[method.localName];
    if (definition === undefined || handler === undefined) continue;
    const bytes = bytesOf(method, definition);
    if (method.methodKind === "unary")
      mountAs(router, method, options.unary, (request, context) =>
        serveUnary(bytes, handler as UnaryLike, request, begin(context, definition.path, options)),
      );
    if (method.methodKind === "server_streaming")
      mountAs(router, method, options.stream, (request, context) =>
        serveStream(bytes, handler as StreamLike, request, begin(context, definition.path, options)),
      );
  }
}

/** A method that is known at run time alone: its messages have no types to check. */
function mountAs(
  router: ConnectRouter,
  method: DescMethod,
  options: ConnectRouterOptions,
  serve: (request: Message, context: HandlerContext) => unknown,
): void {
  router.rpc(method, serve as MethodImpl<DescMethod>, options);
}

interface Bytes {
  /** protobuf-es to ts-proto. */
  request(message: Message): unknown;
  /** ts-proto to protobuf-es. */
  response(message: unknown): Message;
}

function bytesOf(method: DescMethod, definition: MethodDefinition<unknown, unknown>): Bytes {
  return {
    request: (message) => definition.requestDeserialize(Buffer.from(toBinary(method.input, message))),
    response: (message) => fromBinary(method.output, definition.responseSerialize(message)),
  };
}

interface EdgeCall {
  readonly context: CallContext;
  readonly record: CallRecord;
}

function begin(context: HandlerContext, path: string, options: EdgeMountOptions): EdgeCall {
  const leftMs = context.timeoutMs();
  return {
    context: {
      signal: context.signal,
      deadlineMs: leftMs === undefined ? undefined : options.clock.now() + leftMs,
      // Connect does not say who calls.
      peer: "",
      header: (name) => context.requestHeader.get(name) ?? undefined,
    },
    record: new CallRecord(path, options),
  };
}

async function serveUnary(
  bytes: Bytes,
  handler: UnaryLike,
  request: Message,
  { context, record }: EdgeCall,
): Promise<Message> {
  let response: Message;
  try {
    const answer = handler(bytes.request(request), context);
    response = bytes.response(await unlessStopped(answer, context.signal));
  } catch (thrown) {
    throw toConnectError(record.failed(stopReason(context.signal) ?? thrown));
  }
  record.succeeded();
  return response;
}

async function* serveStream(
  bytes: Bytes,
  handler: StreamLike,
  request: Message,
  { context, record }: EdgeCall,
): AsyncGenerator<Message> {
  let told = false;
  try {
    for await (const response of handler(bytes.request(request), context)) {
      if (context.signal.aborted) break;
      yield bytes.response(response);
    }
    context.signal.throwIfAborted();
    told = true;
    record.succeeded();
  } catch (thrown) {
    told = true;
    throw toConnectError(record.failed(stopReason(context.signal) ?? thrown));
  } finally {
    // Where the caller has gone, Connect ends this generator at its yield.
    if (!told) record.failed(stopReason(context.signal) ?? gone());
  }
}

/** A handler that is slow to notice its signal does not hold up the answer. */
async function unlessStopped<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([answer, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Mounts a service's plain handlers on grpc-js: calls become functions, streams become async iterables with back pressure. */
import {
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { EventEmitter } from "node:events";
import type { CallContext } from "../core/call.ts";
import { MeshError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { toStatus } from "./status.ts";

/** Told of every call's end. */
export type CallObserver = (service: string, method: string, code: string, seconds: number) => void;

export interface MountOptions {
  readonly log: Logger;
  readonly observe: CallObserver;
}

type Call =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;
type Handlers = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The grpc-js implementation of `handlers`; a method without a handler is UNIMPLEMENTED. */
export function mount(definition: ServiceDefinition, handlers: object, options: MountOptions): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = (handlers as Handlers)[name];
    if (handler === undefined) continue;
    const [, service = "", rpc = ""] = method.path.split("/");
    const begin = (call: Call) => new ServedCall(call, service, rpc, options);
    if (!method.responseStream)
      implementation[name] = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
        void serveUnary(begin(call), handler as unknown as UnaryLike, call, callback);
    else if (!method.requestStream)
      implementation[name] = (call: ServerWritableStream<unknown, unknown>) =>
        void serveStream(begin(call), call, (context) => (handler as unknown as StreamLike)(call.request, context));
    else
      implementation[name] = (call: ServerDuplexStream<unknown, unknown>) =>
        void serveStream(begin(call), call, (context) => (handler as unknown as StreamLike)(call, context));
  }
  return implementation;
}

type UnaryLike = (request: unknown, context: CallContext) => Promise<unknown>;
type StreamLike = (request: unknown, context: CallContext) => AsyncIterable<unknown>;

/** One call being served: its context, and how it ended. */
class ServedCall implements CallContext {
  readonly signal: AbortSignal;
  readonly deadlineMs: number | undefined;
  readonly #call: Call;
  readonly #name: readonly [string, string];
  readonly #options: MountOptions;
  readonly #began = performance.now();

  constructor(call: Call, service: string, rpc: string, options: MountOptions) {
    this.#call = call;
    this.#name = [service, rpc];
    this.#options = options;
    const abort = new AbortController();
    (call as EventEmitter).on("cancelled", () => abort.abort(new MeshError("CALL_CANCELED", "the caller gave the call up")));
    this.signal = abort.signal;
    const deadline = call.getDeadline();
    const deadlineMs = deadline instanceof Date ? deadline.getTime() : deadline;
    this.deadlineMs = Number.isFinite(deadlineMs) ? deadlineMs : undefined;
  }

  header(name: string): string | undefined {
    return this.#call.metadata.get(name)[0]?.toString();
  }

  ended(code: string): void {
    this.#options.observe(this.#name[0], this.#name[1], code, (performance.now() - this.#began) / 1_000);
  }

  /** The status to answer with; a fault of our own goes to the log whole. */
  failed(thrown: unknown): ReturnType<typeof toStatus> {
    const error = MeshError.from(thrown);
    if (error.reason === "INTERNAL")
      this.#options.log.error({ rpc: this.#name.join("/"), error: String(error.stack), cause: String(error.cause) }, "a call failed");
    this.ended(error.code);
    return toStatus(error);
  }
}

async function serveUnary(
  served: ServedCall,
  handler: UnaryLike,
  call: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
): Promise<void> {
  try {
    callback(null, await handler(call.request, served));
    served.ended("OK");
  } catch (error) {
    callback(served.failed(error));
  }
}

async function serveStream(
  served: ServedCall,
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  respond: (context: CallContext) => AsyncIterable<unknown>,
): Promise<void> {
  // A stream's own error (the peer reset it, say) ends the reading; it must not end the process.
  call.on("error", () => {});
  if ("destroy" in call && "read" in call) served.signal.addEventListener("abort", () => call.destroy(), { once: true });
  try {
    for await (const response of respond(served))
      if (!call.write(response)) await drained(call, served.signal);
    served.ended("OK");
    call.end();
  } catch (error) {
    if (served.signal.aborted) served.ended(statusName(status.CANCELLED));
    else call.emit("error", served.failed(error));
  }
}

function statusName(code: status): string {
  return status[code];
}

function drained(call: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.removeListener("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

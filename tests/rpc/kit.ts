/** A gRPC server over a handful of handlers, on a free port, gone at the test's end. */
import { onTestFinished } from "vitest";
import {
  LogLine_Level,
  TaskServiceService,
  type WatchTaskResponse,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import type { CallContext } from "../../src/core/call.ts";
import { type LogFields, type Logger, silentLogger } from "../../src/core/log.ts";
import { Connection } from "../../src/rpc/connection.ts";
import { type GrpcServer, startGrpcServer } from "../../src/rpc/server.ts";

export type Handlers = Readonly<Record<string, (request: never, call: CallContext) => unknown>>;

/** What a call ended with, as the metrics are told. */
export interface Observed {
  readonly method: string;
  readonly code: string;
}

/** Keeps what the servers of a test note of their calls. */
export class Notes {
  readonly logged: LogFields[] = [];
  readonly observed: Observed[] = [];
  readonly #waiting = new Set<() => void>();

  readonly log: Logger = {
    ...silentLogger,
    error: (fields) => void this.logged.push(fields),
    warn: (fields) => void this.logged.push(fields),
  };

  readonly observe = (_service: string, method: string, code: string): void => {
    this.observed.push({ method, code });
    for (const wake of this.#waiting) wake();
  };

  /** The code of the first call's end. */
  async firstCode(): Promise<string> {
    while (this.observed.length === 0) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this.observed[0]?.code ?? "";
  }
}

export interface Served {
  readonly server: GrpcServer;
  readonly address: string;
  readonly notes: Notes;
  readonly connection: Connection;
}

/** Serves TaskService with these handlers alone. */
export async function serveTasks(handlers: Handlers): Promise<Served> {
  const notes = new Notes();
  const server = await startGrpcServer({
    host: "127.0.0.1",
    port: 0,
    portSetting: "server.grpcPort",
    services: [{ name: "agentmesh.v1.TaskService", definition: TaskServiceService, handlers }],
    ...notes,
  });
  server.setServing(true);
  const address = `127.0.0.1:${server.port}`;
  const connection = connect(address);
  onTestFinished(() => server.drain(0));
  return { server, address, notes, connection };
}

/** A connection that is closed at the test's end. */
export function connect(address: string): Connection {
  const connection = new Connection(address);
  onTestFinished(() => connection.close());
  return connection;
}

/** Resolves when `value()` is so, looking each turn of the loop. */
export async function until(value: () => boolean): Promise<void> {
  while (!value()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Resolves with the value once it has stood still for a while: nothing pulls at it any more. */
export async function settled(value: () => number): Promise<number> {
  let before = -1;
  for (let still = 0; still < 10; still++) {
    if (value() !== before) still = 0;
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return before;
}

/** A WatchTask response with `bytes` bytes of log. */
export function logged(sequence: number, bytes = 1): WatchTaskResponse {
  const line = { level: LogLine_Level.INFO, text: "x".repeat(bytes) };
  return {
    event: {
      $case: "entry",
      value: { sequence, time: undefined, entry: { $case: "line", value: line } },
    },
  };
}

/** The sequence of a response made by {@link logged}. */
export function sequenceOf({ event }: WatchTaskResponse): number {
  return event?.$case === "entry" ? event.value.sequence : -1;
}

/**
 * A mesh of a test's own: a real store, real gRPC servers on free ports, and workers in this thread where a test wants them.
 * It can be taken down and brought up again on the same ports and the same store.
 */
import { rmSync } from "node:fs";
import { basename } from "node:path";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkerServiceService, WorkRequest, type WorkResponse } from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { Role } from "../../src/agent/role.ts";
import { catalogOf } from "../../src/agent/role-catalog.ts";
import { rolePolicies } from "../../src/agent/role-limits.ts";
import { type RoleServerOptions, startRoleServer } from "../../src/agent/role-server.ts";
import { WorkerPool } from "../../src/agent/worker-pool.ts";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MeshError } from "../../src/core/errors.ts";
import { limits as meshLimits } from "../../src/core/limits.ts";
import { type Logger, silentLogger } from "../../src/core/log.ts";
import type { InstanceRegistry } from "../../src/fleet/instances.ts";
import { MemoryRegistry } from "../../src/fleet/memory/registry.ts";
import type { BodyStore } from "../../src/queue/bodies.ts";
import { silentObserver } from "../../src/queue/observer.ts";
import { Offload } from "../../src/queue/offload.ts";
import { Queue } from "../../src/queue/queue.ts";
import { openRedisStore } from "../../src/queue/redis/store.ts";
import type { QueueStore, StoreLimits } from "../../src/queue/store.ts";
import { Connection } from "../../src/rpc/connection.ts";
import type { GrpcServer } from "../../src/rpc/server.ts";
import { openAt, temporaryDirectory, testLimits } from "./sqlite.ts";

/** A Redis to keep every test mesh's tasks in, in place of SQLite. */
const redisUrl = process.env.AGENTMESH_TEST_REDIS;

export interface TestMeshOptions {
  /** Each gets a server; the first one's is {@link TestMesh.address}. */
  readonly roles: readonly Role[];
  /** Default: SQLite in a directory of the mesh's own. Called again by {@link TestMesh.up}. */
  readonly openStore?: () => Promise<QueueStore>;
  readonly storeLimits?: Partial<StoreLimits>;
  readonly payloadBytesMax?: number;
  /** Where larger payloads go. Default: nowhere, they are refused. Called again by {@link TestMesh.up}. */
  readonly openBodies?: () => BodyStore;
  /** Default: 262,144. */
  readonly offloadBytes?: number;
  readonly bodyBytesMax?: number;
  /** Default: one in memory, anew with each {@link TestMesh.up}. */
  readonly registry?: InstanceRegistry;
  readonly log?: Logger;
  /** Services beside the queue's own; default: none. */
  readonly more?: RoleServerOptions["more"];
  /** Services that are none of the contract's; default: none. */
  readonly foreign?: (queue: Queue) => RoleServerOptions["foreign"];
}

interface Up {
  readonly store: QueueStore;
  readonly bodies: BodyStore | undefined;
  readonly queue: Queue;
  readonly servers: readonly GrpcServer[];
  readonly draining: AbortController;
}

export class TestMesh {
  readonly options: TestMeshOptions;
  readonly dataDir = temporaryDirectory();
  #up: Up | undefined;
  #ports: number[];
  readonly #closers: (() => unknown)[] = [];
  #pools = 0;

  private constructor(options: TestMeshOptions) {
    this.options = options;
    this.#ports = options.roles.map(() => 0);
  }

  static async start(options: TestMeshOptions): Promise<TestMesh> {
    const mesh = new TestMesh(options);
    await mesh.up();
    return mesh;
  }

  get queue(): Queue {
    return this.#running.queue;
  }

  get store(): QueueStore {
    return this.#running.store;
  }

  /** The servers' own handle, where the mesh has a body store. */
  get bodies(): BodyStore {
    const { bodies } = this.#running;
    if (!bodies) throw new Error("the mesh has no body store");
    return bodies;
  }

  get address(): string {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  addressOf(role: string): string {
    return `127.0.0.1:${this.#ports[this.options.roles.findIndex(({ name }) => name === role)]}`;
  }

  /** A client that close() closes. */
  client(address = this.address): MeshClient {
    const client = new MeshClient({ server: address });
    this.#closers.push(() => client.close());
    return client;
  }

  /** A connection that close() closes. */
  connection(address = this.address): Connection {
    const connection = new Connection(address);
    this.#closers.push(() => connection.close());
    return connection;
  }

  /** Workers in this thread for the roles named, or all; close() drains them at once. */
  work(
    options: {
      roles?: readonly string[];
      concurrency?: number;
      address?: string;
      labels?: Readonly<Record<string, string>>;
    } = {},
  ): WorkerPool {
    const roles = this.options.roles.filter(({ name }) => options.roles?.includes(name) ?? true);
    const pool = new WorkerPool({
      roles,
      address: options.address ?? this.address,
      processId: `test-${++this.#pools}`,
      version: "test",
      concurrency: options.concurrency,
      labels: options.labels,
      sandbox: () => Promise.reject(new Error("no sandbox in this test")),
      log: this.options.log ?? silentLogger,
    });
    pool.start();
    let drained: Promise<void> | undefined;
    const drain = pool.drain.bind(pool);
    pool.drain = (timeoutMs) => {
      drained ??= drain(timeoutMs);
      return drained;
    };
    this.#closers.push(() => pool.drain(0));
    return pool;
  }

  /** Brings the servers up, on the ports that they had. */
  async up(): Promise<void> {
    const { roles, openStore, storeLimits } = this.options;
    const log = this.options.log ?? silentLogger;
    const limits = { ...testLimits, ...storeLimits };
    const prefix = basename(this.dataDir);
    const store = await (openStore?.() ??
      (redisUrl ? openRedisStore({ url: redisUrl, prefix, limits }) : openAt(this.dataDir, { limits })));
    const queue = new Queue({ store, clock: systemClock, log, observer: silentObserver });
    const bodies = this.options.openBodies?.();
    const payloadBytesMax = this.options.payloadBytesMax ?? meshLimits.payloadBytesMax;
    const { offloadBytes = 262_144, bodyBytesMax = meshLimits.bodyBytesMax } = this.options;
    const offload =
      bodies && new Offload({ bodies, clock: systemClock, log, offloadBytes, payloadBytesMax, bodyBytesMax });
    const registry = this.options.registry ?? new MemoryRegistry(systemClock);
    const draining = new AbortController();
    const servers: GrpcServer[] = [];
    for (const [place, role] of roles.entries()) {
      const server = await startRoleServer({
        role: role.name,
        host: "127.0.0.1",
        port: this.#ports[place] as number,
        queue,
        catalog: catalogOf(roles),
        registry,
        clock: systemClock,
        payloadBytesMax,
        offload,
        log,
        observe: () => {},
        draining: draining.signal,
        more: this.options.more ?? (() => []),
        foreign: this.options.foreign?.(queue),
      });
      server.setServing(true);
      servers.push(server);
    }
    this.#ports = servers.map(({ port }) => port);
    await queue.configure(rolePolicies(roles));
    queue.start();
    this.#up = { store, bodies, queue, servers, draining };
  }

  /** Begins to drain: workers are told, and get no more leases. */
  drain(): void {
    this.#running.draining.abort();
  }

  /** Ends the servers, letting calls end for at most `timeoutMs`, and closes the store. */
  async down(timeoutMs = 0): Promise<void> {
    const { queue, bodies, servers, draining } = this.#running;
    draining.abort();
    this.#up = undefined;
    await Promise.all(servers.map((server) => server.drain(timeoutMs)));
    await queue.close();
    await bodies?.close();
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    if (this.#up) await this.down();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  get #running(): Up {
    if (!this.#up) throw new Error("the mesh is down");
    return this.#up;
  }
}

/** All that an iterable has to say, once it has ended. */
export async function gather<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** A state's name in place of its number on the wire. */
export function stateName(state: TaskState): string {
  return Object.entries(TaskState).find(([, value]) => value === state)?.[0] ?? String(state);
}

/** The error that a call ends with; a call that ends well is a fault of the test. */
export async function errorOf(call: Promise<unknown>): Promise<MeshError> {
  const error = await call.then(
    () => new Error("the call ended well"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof MeshError)) throw error;
  return error;
}

type Part = Partial<WorkRequest>;

/** A Work stream spoken by hand; what the server says gathers in `heard`. */
export class WorkStream {
  readonly heard: WorkResponse[] = [];
  /** How the stream ended: undefined for OK. */
  readonly ended: Promise<unknown>;
  readonly #call: ReturnType<Connection["bidi"]>;
  readonly #waiting = new Set<() => void>();

  constructor(connection: Connection, hello?: Partial<NonNullable<WorkRequest["hello"]>>) {
    this.#call = connection.bidi(WorkerServiceService.work, { timeoutMs: 60_000 });
    this.ended = this.#read();
    if (hello)
      this.say({
        hello: { role: "", workerId: "w1", version: "", slots: 1, labels: {}, lease: undefined, ...hello },
      });
  }

  say(part: Part): void {
    void this.#call.send(WorkRequest.fromPartial(part as never));
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  /** The parts of one kind that were heard so far. */
  all<Kind extends "leases" | "renewed" | "finished" | "revoked" | "appendRefused">(
    kind: Kind,
  ): WorkResponse[Kind] {
    return this.heard.flatMap((response) => response[kind] as unknown[]) as WorkResponse[Kind];
  }

  /** The first `count` parts of a kind, once they are there. */
  async next<Kind extends "leases" | "renewed" | "finished" | "revoked" | "appendRefused">(
    kind: Kind,
    count = 1,
  ): Promise<WorkResponse[Kind]> {
    await this.until(() => this.all(kind).length >= count, `${count} ${kind}`);
    return this.all(kind);
  }

  async until(reached: () => boolean, what: string, patienceMs = 10_000): Promise<void> {
    const late = new Error(`not heard within ${patienceMs} ms: ${what}`);
    const end = performance.now() + patienceMs;
    while (!reached()) {
      const leftMs = end - performance.now();
      if (leftMs <= 0) throw late;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }

  async #read(): Promise<unknown> {
    try {
      for await (const response of this.#call.responses) {
        this.heard.push(response as WorkResponse);
        for (const wake of this.#waiting) wake();
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

/** A promise that a test opens, and a count of who came to it: how tests hold handlers where they want them. */
export class Gate {
  readonly #open = Promise.withResolvers<void>();
  readonly #came = new Map<number, PromiseWithResolvers<void>>();
  arrived = 0;

  open(): void {
    this.#open.resolve();
  }

  pass(): Promise<void> {
    this.arrived += 1;
    this.#at(this.arrived).resolve();
    return this.#open.promise;
  }

  /** Resolves when `count` have come. */
  reached(count = 1): Promise<void> {
    return this.#at(count).promise;
  }

  #at(count: number): PromiseWithResolvers<void> {
    const at = this.#came.get(count) ?? Promise.withResolvers<void>();
    this.#came.set(count, at);
    return at;
  }
}

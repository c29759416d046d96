/** The workers of one process: one for each role, with one heartbeat thread and one connection between them. */

import { MeshClient } from "../client/mesh-client.ts";
import type { Logger } from "../core/log.ts";
import { Connection } from "../rpc/connection.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { WorkerLoad } from "./instance-load.ts";
import type { Role } from "./role.ts";
import { Worker } from "./worker.ts";

export interface WorkerPoolOptions {
  readonly roles: readonly Role[];
  /** Host and port of a server of the mesh. */
  readonly address: string;
  /** Begins each worker's id; unique among living processes. */
  readonly processId: string;
  readonly version: string;
  /** Tasks at once in place of each role's own number. */
  readonly concurrency?: number;
  /** Of each worker; default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly sandbox: () => Promise<Sandbox>;
  readonly log: Logger;
}

export class WorkerPool {
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #heartbeat: Heartbeat;
  readonly #connection: Connection;
  readonly #mesh: MeshClient;
  #drained: Promise<void> | undefined;

  constructor(options: WorkerPoolOptions) {
    const { address, version, sandbox, processId } = options;
    this.#connection = new Connection(address);
    this.#mesh = new MeshClient({ server: address });
    this.#heartbeat = new Heartbeat(address);
    const shared = {
      connection: this.#connection,
      mesh: this.#mesh,
      heartbeat: this.#heartbeat,
      version,
      labels: options.labels ?? {},
      sandbox,
    };
    const workers = options.roles.map((role) => {
      const sized = options.concurrency === undefined ? role : { ...role, concurrency: options.concurrency };
      const workerId = `${role.name}@${processId}`;
      return [
        role.name,
        new Worker({ ...shared, role: sized, workerId, log: options.log.child({ role: role.name }) }),
      ] as const;
    });
    this.#workers = new Map(workers);
  }

  start(): void {
    for (const worker of this.#workers.values()) worker.start();
  }

  /** Roles whose worker has no stream to the mesh right now. */
  disconnected(): string[] {
    return [...this.#workers].filter(([, worker]) => !worker.connected).map(([role]) => role);
  }

  /** What each role's worker does at present. */
  loads(): ReadonlyMap<string, WorkerLoad> {
    return new Map([...this.#workers].map(([role, worker]) => [role, worker.load]));
  }

  /** Lets running tasks end for at most `timeoutMs`, gives the rest back, and closes. Asked again, the shorter time counts. */
  drain(timeoutMs: number): Promise<void> {
    const ended = [...this.#workers.values()].map((worker) => worker.drain(timeoutMs));
    this.#drained ??= this.#close(ended);
    return this.#drained;
  }

  async #close(ended: readonly Promise<void>[]): Promise<void> {
    await Promise.all(ended);
    await this.#heartbeat.close();
    this.#mesh.close();
    this.#connection.close();
  }
}

/** A mesh of several processes: a server, its worker, and this process as its client, on a Redis that others may use too. */
import { setTimeout as pause } from "node:timers/promises";
import { MeshClient } from "../../src/client/mesh-client.ts";
import type { MeshServerOptions } from "../parts/mesh-server.ts";
import type { MeshWorkerOptions } from "../parts/mesh-worker.ts";
import type { StreamWorkerOptions } from "../parts/stream-worker.ts";
import { Part } from "./part.ts";
import { storeLimits } from "./queue-contenders.ts";
import { roleName } from "./role.ts";
import { SubmitStream } from "./submit-stream.ts";

const patienceMs = 60_000;

export class BenchMesh {
  readonly address: string;
  readonly server: Part;
  readonly client: MeshClient;
  readonly stream: SubmitStream;
  readonly #workers: Part[] = [];

  private constructor(server: Part, address: string) {
    this.server = server;
    this.address = address;
    this.client = new MeshClient({ server: address });
    this.stream = new SubmitStream(address);
  }

  static async start(options: Partial<MeshServerOptions>): Promise<BenchMesh> {
    const server = await Part.start("mesh-server", { limits: storeLimits, ...options });
    return new BenchMesh(server, await server.ask<string>("address"));
  }

  /** A role's worker, as `agentmesh` runs it. */
  async roleWorker(options: Omit<MeshWorkerOptions, "address">): Promise<Part> {
    return this.#worker("mesh-worker", options);
  }

  /** Workers that are bare streams. */
  async streamWorker(options: Omit<StreamWorkerOptions, "address">): Promise<Part> {
    return this.#worker("stream-worker", options);
  }

  /** Waits until no task is queued or runs; throws where one failed for good. */
  async settled(): Promise<void> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const [queue] = await this.client.queues([roleName]);
      if (queue && queue.failed > 0) throw new Error(`${queue.failed} tasks failed`);
      if (queue && queue.queued + queue.running + queue.scheduled === 0) return;
      if (performance.now() > end)
        throw new Error(`not settled in ${patienceMs} ms: ${JSON.stringify(queue)}`);
      await pause(5);
    }
  }

  async close(): Promise<void> {
    this.stream.close();
    this.client.close();
    for (const worker of this.#workers) await worker.stop();
    await this.server.stop();
  }

  async #worker(name: string, options: object): Promise<Part> {
    const worker = await Part.start(name, { address: this.address, ...options });
    this.#workers.push(worker);
    return worker;
  }
}

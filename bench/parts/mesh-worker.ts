/** The mesh's own worker in a process of its own: a role, its handler, its heartbeat thread. */
import { WorkerPool } from "../../src/agent/worker-pool.ts";
import { silentLogger } from "../../src/core/log.ts";
import { Arrivals } from "../support/arrivals.ts";
import { benchRole } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface MeshWorkerOptions {
  readonly address: string;
  /** Tasks at once. */
  readonly slots: number;
}

const { address, slots } = partOptions<MeshWorkerOptions>();
const arrivals = new Arrivals();
const pool = new WorkerPool({
  roles: [benchRole(({ sentMicros }) => arrivals.add(sentMicros), slots)],
  address,
  processId: `bench-${process.pid}`,
  version: "bench",
  sandbox: () => Promise.reject(new Error("no sandbox in a benchmark")),
  log: silentLogger,
});
pool.start();

servePart(arrivals.methods(), () => pool.drain(0));

/** A server of the mesh in a process of its own: every service over a store, KEDA's scaler too, no workers. */
import { catalogOf } from "../../src/agent/role-catalog.ts";
import { startRoleServer } from "../../src/agent/role-server.ts";
import { systemClock } from "../../src/core/clock.ts";
import { limits } from "../../src/core/limits.ts";
import { silentLogger } from "../../src/core/log.ts";
import { MemoryRegistry } from "../../src/fleet/memory/registry.ts";
import { silentObserver } from "../../src/queue/observer.ts";
import { Queue } from "../../src/queue/queue.ts";
import { openRedisStore } from "../../src/queue/redis/store.ts";
import { openSqliteStore } from "../../src/queue/sqlite/store.ts";
import type { StoreLimits } from "../../src/queue/store.ts";
import { externalScaler } from "../../src/scaling/external/service.ts";
import { RoleLoads } from "../../src/scaling/role-loads.ts";
import { benchRole } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface MeshServerOptions {
  /** This or `sqliteFile`. */
  readonly redisUrl?: string;
  /** Of its keys in Redis, so that several meshes share one. */
  readonly prefix?: string;
  readonly sqliteFile?: string;
  readonly limits: StoreLimits;
}

const options = partOptions<MeshServerOptions>();
const store = await (options.redisUrl !== undefined
  ? openRedisStore({ url: options.redisUrl, prefix: options.prefix, limits: options.limits })
  : openSqliteStore({ file: options.sqliteFile as string, limits: options.limits }));
const queue = new Queue({ store, clock: systemClock, log: silentLogger, observer: silentObserver });
const role = benchRole(() => {});
const draining = new AbortController();
const server = await startRoleServer({
  role: role.name,
  host: "127.0.0.1",
  port: 0,
  queue,
  catalog: catalogOf([role]),
  registry: new MemoryRegistry(systemClock),
  clock: systemClock,
  payloadBytesMax: limits.payloadBytesMax,
  log: silentLogger,
  observe: () => {},
  draining: draining.signal,
  more: () => [],
  foreign: [
    externalScaler({
      scales: new Map([[role.name, role.scale]]),
      loads: new RoleLoads(queue, systemClock),
      activity: (listener) => queue.onReady(listener),
    }),
  ],
});
server.setServing(true);
queue.start();

servePart({ address: () => `127.0.0.1:${server.port}` }, async () => {
  draining.abort();
  await server.drain(0);
  await queue.close();
});

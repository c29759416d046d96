/** A mesh in one process: store, queue, a server for each role, HTTP listeners, and the thread that runs handlers. */
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { observeQueue } from "../agent/observe-queue.ts";
import { probeRoutes } from "../agent/probes.ts";
import type { Role } from "../agent/role.ts";
import { catalogOf } from "../agent/role-catalog.ts";
import { type RoleServerOptions, roleServices, startRoleServer } from "../agent/role-server.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import type { Logger } from "../core/log.ts";
import { grpcPortOf } from "../core/ports.ts";
import { startEdge } from "../gateway/edge.ts";
import { Queue } from "../queue/queue.ts";
import type { QueueStore, StoreDescription } from "../queue/store.ts";
import { taskStates } from "../queue/task.ts";
import { type HttpListener, startHttp } from "../rpc/http.ts";
import type { GrpcServer } from "../rpc/server.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { workflowServices } from "../workflow/service.ts";
import { openStore } from "./open-store.ts";
import { WorkerHost } from "./worker-host.ts";

export interface MeshOptions {
  readonly config: Config;
  /** Every role that the mesh knows. */
  readonly roles: readonly Role[];
  /** Those that this process serves and works for; their order gives their ports. */
  readonly served: readonly Role[];
  readonly version: string;
  readonly log: Logger;
  /** Where the thread of the handlers logs; default: stderr. */
  readonly logFile?: string;
}

export interface Mesh {
  /** Where each role's server listens, in the roles' order. */
  readonly servers: readonly { readonly role: string; readonly address: string }[];
  /** The edge: HTTP/JSON and Connect, with the first role's defaults. */
  readonly httpPort: number;
  readonly metricsPort: number;
  readonly healthPort: number;
  readonly store: StoreDescription;
  /** Resolves when every worker of this process has its stream. */
  ready(): Promise<void>;
  /** Refuses new work, lets running tasks end for at most `timeoutMs`, and closes everything. */
  drain(timeoutMs: number): Promise<void>;
}

/** Throws PORT_IN_USE, STORE_IN_USE, STORE_UNAVAILABLE; nothing is left open then. */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const opened: (() => Promise<void>)[] = [];
  try {
    return await start(options, opened);
  } catch (error) {
    for (const close of opened.reverse()) await close().catch(() => {});
    throw error;
  }
}

async function start(options: MeshOptions, opened: (() => Promise<void>)[]): Promise<Mesh> {
  const { config, roles, served, version, log } = options;
  const { host } = config.server;
  // What it has to say comes as an error that names the setting; on stderr it would be no line of the log.
  setLogVerbosity(logVerbosity.NONE);
  const store = await openStore(config);
  const metrics = createMetrics({ queueDepths: () => depths(store) });
  const queue = new Queue({ store, clock: systemClock, log, observer: observeQueue(metrics, systemClock) });
  opened.push(() => queue.close());
  const draining = new AbortController();
  const catalog = catalogOf(roles);
  const optionsOf = (role: Role, place: number): RoleServerOptions => ({
    role: role.name,
    host,
    port: grpcPortOf(config.server.grpcPort, place),
    queue,
    catalog,
    clock: systemClock,
    payloadBytesMax: config.payload.maxBytes,
    log: log.child({ role: role.name }),
    observe: (service, method, code, seconds) => metrics.rpcHandled(service, method, code, seconds),
    draining: draining.signal,
    more: workflowServices,
  });
  const servers: { role: string; server: GrpcServer }[] = [];
  for (const [place, role] of served.entries()) {
    const server = await startRoleServer(optionsOf(role, place));
    servers.push({ role: role.name, server });
    opened.push(() => server.drain(0));
  }
  const first = optionsOf(served[0] as Role, 0);
  const edge = await startEdge({
    ...{ ...first, port: config.server.httpPort, version },
    services: roleServices(first),
  });
  opened.push(() => edge.drain(0));
  const address = dialable(host, servers[0]?.server.port ?? 0);
  let workers: WorkerHost | undefined;
  const listeners = await startListeners(
    options,
    metrics,
    queue,
    draining.signal,
    () => workers?.disconnected ?? [],
  );
  opened.push(...listeners.map((listener) => () => listener.close()));
  const describe = await queue.describe();
  if (describe.warning) log.warn({ store: describe.address }, describe.warning);
  queue.start();
  for (const { server } of servers) server.setServing(true);
  workers = new WorkerHost({
    ...{ config, address, version, log, logFile: options.logFile },
    roles: served.map((role) => role.name),
  });
  const [health, scrape] = listeners as [HttpListener, HttpListener];
  return {
    servers: servers.map(({ role, server }) => ({ role, address: `${host}:${server.port}` })),
    httpPort: edge.port,
    healthPort: health.port,
    metricsPort: scrape.port,
    store: describe,
    ready: () => allConnected(workers),
    async drain(timeoutMs) {
      draining.abort();
      for (const { server } of servers) server.setServing(false);
      const endMs = systemClock.now() + timeoutMs;
      // First the workers here: their handlers may still call the servers.
      await workers.drain(timeoutMs);
      const restMs = Math.max(0, endMs - systemClock.now());
      await Promise.all([edge.drain(restMs), ...servers.map(({ server }) => server.drain(restMs))]);
      await queue.close();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

async function startListeners(
  { config }: MeshOptions,
  metrics: Metrics,
  queue: Queue,
  draining: AbortSignal,
  disconnectedWorkers: () => readonly string[],
): Promise<HttpListener[]> {
  const { host, healthPort, metricsPort } = config.server;
  const probes = { pingStore: () => queue.ping(), serving: () => !draining.aborted, disconnectedWorkers };
  const health = await startHttp({
    host,
    port: healthPort,
    what: "health",
    portSetting: "server.healthPort",
    routes: probeRoutes(probes),
  });
  const routes = { "/metrics": async () => ({ status: 200, ...(await metrics.scrape()) }) };
  try {
    return [
      health,
      await startHttp({
        host,
        port: metricsPort,
        what: "metrics",
        portSetting: "server.metricsPort",
        routes,
      }),
    ];
  } catch (error) {
    await health.close();
    throw error;
  }
}

async function depths(store: QueueStore): Promise<{ queue: string; state: string; tasks: number }[]> {
  const stats = await store.stats();
  return stats.flatMap(({ queue, counts }) =>
    taskStates.map((state) => ({ queue, state, tasks: counts[state] })),
  );
}

/** An address that this machine can dial for one that it listens on. */
function dialable(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::") return `127.0.0.1:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const readyPollMs = 20;

async function allConnected(workers: WorkerHost): Promise<void> {
  while (workers.disconnected.length > 0) await new Promise((resolve) => setTimeout(resolve, readyPollMs));
}

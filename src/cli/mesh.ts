/** A mesh in one process: store, queue, a server for each role, HTTP listeners, and the thread that runs handlers. */
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import type { Announcer } from "../agent/announcer.ts";
import { observeQueue } from "../agent/observe-queue.ts";
import type { Role } from "../agent/role.ts";
import { catalogOf } from "../agent/role-catalog.ts";
import { rolePolicies } from "../agent/role-limits.ts";
import { type RoleServerOptions, roleServices, startRoleServer } from "../agent/role-server.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import type { Logger } from "../core/log.ts";
import { grpcPortOf } from "../core/ports.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";
import { type Edge, startEdge } from "../gateway/edge.ts";
import { Queue } from "../queue/queue.ts";
import type { QueueStore, StoreDescription } from "../queue/store.ts";
import type { HttpListener } from "../rpc/http.ts";
import type { GrpcServer } from "../rpc/server.ts";
import { createMetrics, type Metrics, type QueueSample } from "../telemetry/metrics.ts";
import { workflowServices } from "../workflow/service.ts";
import { drainMesh } from "./drain-mesh.ts";
import { type MeshBodies, startBodies } from "./mesh-bodies.ts";
import { discoveryRole, type MeshDiscovery, startDiscovery } from "./mesh-discovery.ts";
import { announceInstances } from "./mesh-instances.ts";
import { startListeners } from "./mesh-listeners.ts";
import { type MeshScale, scaledServices, startScale, startTlsScaler } from "./mesh-scale.ts";
import { openRegistry } from "./open-registry.ts";
import { openStore } from "./open-store.ts";
import type { ScalePolicy } from "./scale-policies.ts";
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
  /** Roles whose workers are processes, as many as their work asks for; default: none, the thread of the handlers has all. */
  readonly autoscale?: ReadonlyMap<string, ScalePolicy>;
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
  /** Tasks that its workers run now. */
  running(): number;
  /**
   * Lets running tasks end for at most `timeoutMs`, and closes everything. Workers take no more tasks and probes say
   * so; a task that is submitted meanwhile is still taken, since the store keeps it for whoever works next.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** Throws PORT_IN_USE, STORE_IN_USE, STORE_UNAVAILABLE; nothing is left open then. */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const opened: Opened = [];
  try {
    return await start(options, opened);
  } catch (error) {
    for (const close of opened.reverse()) await close().catch(() => {});
    throw error;
  }
}

/** What closes each part that is open already, the last opened last. */
type Opened = (() => Promise<void>)[];

async function start(options: MeshOptions, opened: Opened): Promise<Mesh> {
  const { config, served, log } = options;
  const { host } = config.server;
  // What it has to say comes as an error that names the setting; on stderr it would be no line of the log.
  setLogVerbosity(logVerbosity.NONE);
  const store = await openStore(config);
  const metrics = createMetrics({ queues: () => queueSamples(store) });
  const queue = new Queue({ store, clock: systemClock, log, observer: observeQueue(metrics, systemClock) });
  opened.push(() => queue.close());
  const bodies = await startBodies(config, queue, log);
  opened.push(() => bodies.close());
  const registry = await openRegistry(config);
  opened.push(() => registry.close());
  const draining = new AbortController();
  const scale: MeshScale = { local: undefined, tls: undefined };
  const scaled = scaledServices({ roles: options.roles, queue, registry, scale });
  const shared = { queue, registry, bodies, metrics, scaled, draining: draining.signal };
  const discovery = await discoveryOf(options, shared);
  if (discovery) opened.push(() => discovery.close());
  const optionsOf = serverOptions(options, { ...shared, discovery });
  const servers = await startServers(served, optionsOf, opened);
  scale.tls = await startTlsScaler(config, log, scaled.scaler);
  opened.push(async () => scale.tls?.drain(0));
  const edge = await startMeshEdge(options, optionsOf(served[0] as Role, 0), opened);
  let workers: WorkerHost | undefined;
  const disconnected = () => workers?.disconnected ?? [];
  const listeners = await startListeners(config, metrics, queue, draining.signal, disconnected);
  opened.push(...listeners.map((listener) => () => listener.close()));
  const describe = await queue.describe();
  if (describe.warning) log.warn({ store: describe.address }, describe.warning);
  await queue.configure(rolePolicies(options.roles));
  queue.start();
  for (const { server } of servers) server.setServing(true);
  const address = dialable(host, servers[0]?.server.port ?? 0);
  workers = startWorkers(options, address);
  scale.local = startScale(options, { queue, address });
  const instances = await announce(options, { registry, servers, workers, scale });
  const parts = {
    draining,
    servers,
    edge,
    workers,
    scale,
    instances,
    discovery,
    registry,
    queue,
    bodies,
    listeners,
  };
  const [health, scrape] = listeners as [HttpListener, HttpListener];
  return {
    servers: servers.map(({ role, server }) => ({ role, address: `${host}:${server.port}` })),
    httpPort: edge.port,
    healthPort: health.port,
    metricsPort: scrape.port,
    store: describe,
    ready: () => allConnected(parts.workers),
    running: () =>
      [...parts.workers.loads.values()].reduce(
        (sum, load) => sum + load.tasksRunning,
        scale.local?.running() ?? 0,
      ),
    drain: (timeoutMs) => drainMesh(parts, timeoutMs),
  };
}

interface Shared {
  readonly queue: Queue;
  readonly registry: InstanceRegistry;
  readonly bodies: MeshBodies;
  readonly metrics: Metrics;
  readonly scaled: ReturnType<typeof scaledServices>;
  readonly draining: AbortSignal;
}

/** The control plane, where this process serves the role discovery. */
async function discoveryOf(
  { config, roles, served, log }: MeshOptions,
  { registry, metrics, draining }: Shared,
): Promise<MeshDiscovery | undefined> {
  if (!served.some(({ name }) => name === discoveryRole)) return undefined;
  const names = roles.map(({ name }) => name);
  return startDiscovery({ config, registry, roles: names, metrics: metrics.discovery, log, draining });
}

/** What the server of a role is told, by the role's place among those that are served. */
function serverOptions(
  { config, roles, log }: MeshOptions,
  {
    queue,
    registry,
    bodies,
    metrics,
    scaled: { scaler, service },
    draining,
    discovery,
  }: Shared & { discovery: MeshDiscovery | undefined },
): (role: Role, place: number) => RoleServerOptions {
  const catalog = catalogOf(roles);
  return (role, place) => ({
    role: role.name,
    host: config.server.host,
    port: grpcPortOf(config.server.grpcPort, place),
    connectionAge: {
      ageMs: config.server.connectionAgeSeconds * 1_000,
      graceMs: config.server.connectionGraceSeconds * 1_000,
    },
    queue,
    catalog,
    registry,
    clock: systemClock,
    payloadBytesMax: config.payload.maxBytes,
    offload: bodies.offload,
    log: log.child({ role: role.name }),
    observe: (service, method, code, seconds) => metrics.rpcHandled(service, method, code, seconds),
    draining,
    more: (shared) => [...workflowServices(shared), service, ...(discovery ? [discovery.service] : [])],
    foreign: [scaler, ...(role.name === discoveryRole ? (discovery?.xds ?? []) : [])],
  });
}

async function startServers(
  served: readonly Role[],
  optionsOf: (role: Role, place: number) => RoleServerOptions,
  opened: Opened,
): Promise<{ role: string; server: GrpcServer }[]> {
  const servers: { role: string; server: GrpcServer }[] = [];
  for (const [place, role] of served.entries()) {
    const server = await startRoleServer(optionsOf(role, place));
    servers.push({ role: role.name, server });
    opened.push(() => server.drain(0));
  }
  return servers;
}

async function startMeshEdge(
  { config, version }: MeshOptions,
  first: RoleServerOptions,
  opened: Opened,
): Promise<Edge> {
  const port = config.server.httpPort;
  const edge = await startEdge({ ...first, port, version, services: roleServices(first) });
  opened.push(() => edge.drain(0));
  return edge;
}

/** The thread of the handlers has the roles that no scale of their own has. */
function startWorkers(options: MeshOptions, address: string): WorkerHost {
  const { config, version, log, logFile, served, autoscale } = options;
  const roles = served.map(({ name }) => name).filter((name) => !autoscale?.has(name));
  return new WorkerHost({ config, address, version, log, logFile, roles });
}

/** Once all is served: whoever finds an instance can dial it. */
function announce(
  { config, version, log }: MeshOptions,
  parts: {
    readonly registry: InstanceRegistry;
    readonly servers: readonly { readonly role: string; readonly server: GrpcServer }[];
    readonly workers: WorkerHost;
    readonly scale: MeshScale;
  },
): Promise<Announcer> {
  const served = parts.servers.map(({ role, server }) => ({ role, port: server.port }));
  const workerLoadOf = (role: string) => parts.scale.local?.loadOf(role) ?? parts.workers.loads.get(role);
  return announceInstances({ config, registry: parts.registry, served, version, workerLoadOf, log });
}

async function queueSamples(store: QueueStore): Promise<QueueSample[]> {
  const nowMs = systemClock.now();
  return (await store.stats()).map(({ queue, counts, oldestQueuedMs = nowMs, pause }) => ({
    queue,
    tasks: counts,
    oldestWaitSeconds: Math.max(0, nowMs - oldestQueuedMs) / 1_000,
    paused: pause !== undefined,
  }));
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

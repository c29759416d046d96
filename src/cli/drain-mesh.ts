/** How a mesh ends: in which order its parts stop, and within which time. */
import type { Announcer } from "../agent/announcer.ts";
import { systemClock } from "../core/clock.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";
import type { Edge } from "../gateway/edge.ts";
import type { Queue } from "../queue/queue.ts";
import type { HttpListener } from "../rpc/http.ts";
import type { GrpcServer } from "../rpc/server.ts";
import type { MeshBodies } from "./mesh-bodies.ts";
import type { MeshDiscovery } from "./mesh-discovery.ts";
import type { MeshScale } from "./mesh-scale.ts";
import type { WorkerHost } from "./worker-host.ts";

export interface MeshParts {
  readonly draining: AbortController;
  readonly servers: readonly { readonly server: GrpcServer }[];
  readonly edge: Edge;
  readonly workers: WorkerHost;
  readonly scale: MeshScale;
  readonly instances: Announcer;
  readonly discovery: MeshDiscovery | undefined;
  readonly registry: InstanceRegistry;
  readonly queue: Queue;
  readonly bodies: MeshBodies;
  readonly listeners: readonly HttpListener[];
}

/** Stops everything within `timeoutMs`; what probes and metrics tell is there to the end. */
export async function drainMesh(parts: MeshParts, timeoutMs: number): Promise<void> {
  const {
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
  } = parts;
  const endMs = systemClock.now() + timeoutMs;
  // First of all, so that clients turn elsewhere before anything here refuses them.
  await instances.drain();
  draining.abort();
  for (const { server } of servers) server.setServing(false);
  // First the workers here: their handlers may still call the servers.
  const workMs = Math.max(0, endMs - systemClock.now());
  await Promise.all([workers.drain(workMs), scale.local?.drain(workMs)]);
  const restMs = Math.max(0, endMs - systemClock.now());
  await Promise.all([
    edge.drain(restMs),
    scale.tls?.drain(restMs),
    ...servers.map(({ server }) => server.drain(restMs)),
  ]);
  await instances.end();
  await discovery?.close();
  await registry.close();
  await bodies.close();
  await queue.close();
  await Promise.all(listeners.map((listener) => listener.close()));
}

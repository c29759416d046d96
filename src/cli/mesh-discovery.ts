/** The control plane of a process that serves the role discovery: its source, its policy's file, its services. */
import { DiscoveryServiceService } from "../../gen/grpc/agentmesh/v1/discovery.ts";
import { systemClock } from "../core/clock.ts";
import { discoverySource } from "../core/config/discovery-settings.ts";
import type { Config } from "../core/config/settings.ts";
import type { Logger } from "../core/log.ts";
import { ConnectedClients } from "../discovery/ads/clients.ts";
import { loadReportService } from "../discovery/ads/load-reports.ts";
import { adsService } from "../discovery/ads/service.ts";
import type { AdsObserver } from "../discovery/ads/stream.ts";
import { ControlPlane } from "../discovery/control-plane.ts";
import { discoveryService } from "../discovery/service.ts";
import type { EndpointSource } from "../discovery/source.ts";
import { FileSource } from "../discovery/sources/file.ts";
import { RegistrySource } from "../discovery/sources/registry.ts";
import { watchFile } from "../discovery/watch-file.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";
import type { MountedService } from "../rpc/server.ts";
import type { DiscoveryMetrics } from "../telemetry/discovery-metrics.ts";
import { readText } from "./read-text.ts";

export const discoveryRole = "discovery";

export interface MeshDiscoveryOptions {
  readonly config: Config;
  readonly registry: InstanceRegistry;
  /** Every role that the mesh knows. */
  readonly roles: readonly string[];
  readonly metrics: DiscoveryMetrics;
  readonly log: Logger;
  readonly draining: AbortSignal;
}

export interface MeshDiscovery {
  /** xDS and load reports, for the server of the role discovery. */
  readonly xds: readonly MountedService[];
  /** What people ask, for every server of the process. */
  readonly service: MountedService;
  close(): Promise<void>;
}

/** Throws INVALID_CONFIG where the source is Kubernetes and no cluster is known, and INVALID_POLICY. */
export async function startDiscovery(options: MeshDiscoveryOptions): Promise<MeshDiscovery> {
  const { config, roles, metrics, log, draining } = options;
  const source = await openSource(options);
  const { policyFile } = config.discovery;
  const clock = systemClock;
  const plane = new ControlPlane({ source, roles, policyFile: policyFile ?? "", clock, log });
  const clients = new ConnectedClients();
  metrics.watch(() => ({
    clients: clients.size,
    endpoints: plane.state?.publication.parts.endpoints ?? [],
    policyRefused: plane.state?.policy.error !== undefined,
    sourceAway: plane.state?.sourceError !== undefined,
  }));
  // Nobody is told anything before a policy is in force: the defaults may be what it forbids.
  if (policyFile !== undefined) readFirst(policyFile, plane);
  const unwatch = policyFile === undefined ? () => {} : watchPolicy(policyFile, plane);
  plane.start();
  const observer = observerOf(metrics, log);
  return {
    xds: [
      adsService({ feed: plane, clock, observer, clients, draining }),
      loadReportService({
        observer: { reported: (load) => metrics.loadReported(load, plane.hasCluster(load.cluster)) },
      }),
    ],
    service: {
      name: "agentmesh.v1.DiscoveryService",
      definition: DiscoveryServiceService,
      handlers: discoveryService({ controlPlane: plane, clients: () => clients.list() }),
    },
    async close() {
      unwatch();
      await plane.stop();
    },
  };
}

/** Throws INVALID_POLICY where there is no policy that could be in force. */
function readFirst(path: string, plane: ControlPlane): void {
  const refusal = plane.setPolicy(readText(path, "INVALID_POLICY"));
  if (refusal) throw refusal;
}

function watchPolicy(path: string, plane: ControlPlane): () => void {
  return watchFile({
    path,
    onText: (text) => void plane.setPolicy(text),
    onError: (error) => plane.policyUnreadable(error),
  });
}

async function openSource({ config, registry }: MeshDiscoveryOptions): Promise<EndpointSource> {
  const said = discoverySource(config.discovery.source);
  if (said.kind === "registry") return new RegistrySource({ registry, clock: systemClock });
  if (said.kind === "file") return new FileSource(said.path);
  // The client of Kubernetes is large, and of no use elsewhere.
  const { openKubernetesSource } = await import("./open-kubernetes.ts");
  return openKubernetesSource(config);
}

function observerOf(metrics: DiscoveryMetrics, log: Logger): AdsObserver {
  return {
    sent: (kind, bytes) => metrics.pushed(kind, bytes),
    acknowledged: (kind) => metrics.acknowledged(kind),
    refused(kind, { id, userAgent }, error) {
      metrics.refused(kind);
      log.warn({ client: id, userAgent, kind }, `an xDS client refused what it was sent: ${error}`);
    },
    typeNotServed: ({ id }) => log.debug({ client: id }, "an xDS client asks for a type that is not served"),
  };
}

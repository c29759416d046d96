/** A control plane on a port of its own, with endpoints that the test tells it. */
import { pino } from "pino";
import { DiscoveryServiceService } from "../../gen/grpc/agentmesh/v1/discovery.ts";
import type { BidiHandler, CallContext } from "../../src/core/call.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MeshError } from "../../src/core/errors.ts";
import { ConnectedClients } from "../../src/discovery/ads/clients.ts";
import { type LoadObserver, loadReportService } from "../../src/discovery/ads/load-reports.ts";
import { adsService } from "../../src/discovery/ads/service.ts";
import type { AdsObserver } from "../../src/discovery/ads/stream.ts";
import { ControlPlane } from "../../src/discovery/control-plane.ts";
import type { Endpoint } from "../../src/discovery/endpoint.ts";
import { discoveryService } from "../../src/discovery/service.ts";
import type { EndpointSource, SourceListener } from "../../src/discovery/source.ts";
import { type MountedService, startGrpcServer } from "../../src/rpc/server.ts";

/** A source that tells what the test says. */
export class HandSource implements EndpointSource {
  readonly description = "a hand";
  tell: SourceListener = { changed: () => {}, failed: () => {} };
  stopped = false;

  start(listener: SourceListener): void {
    this.tell = listener;
  }

  async stop(): Promise<void> {
    this.stopped = true;
  }
}

export interface ControlPlaneOptions {
  readonly roles?: readonly string[];
  readonly endpoints?: readonly Endpoint[];
  readonly policy?: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly loads?: LoadObserver;
  readonly gatherMs?: number;
}

export interface StartedControlPlane extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly source: HandSource;
  readonly clients: ConnectedClients;
  readonly port: number;
  /** Names of what happened on streams, such as "refused cluster". */
  readonly events: string[];
  /** How many of the next streams of clients end before they are answered. */
  readonly streamsToEnd: { count: number };
  close(): Promise<void>;
}

const log = pino({ level: "silent" });

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<StartedControlPlane> {
  const { roles = ["coding"], endpoints = [], policy = "", port: wanted = 0, gatherMs = 5 } = options;
  const source = new HandSource();
  const plane = new ControlPlane({
    source,
    roles,
    policyFile: "policy.yaml",
    clock: systemClock,
    log,
    gatherMs,
  });
  const clients = new ConnectedClients();
  const events: string[] = [];
  const draining = new AbortController();
  const streamsToEnd = { count: 0 };
  const refusal = plane.setPolicy(policy);
  if (refusal) throw refusal;
  plane.start();
  source.tell.changed(endpoints);
  const server = await startGrpcServer({
    host: "127.0.0.1",
    port: wanted,
    portSetting: "server.grpcPort",
    services: [
      ending(
        streamsToEnd,
        adsService({
          feed: plane,
          clock: systemClock,
          observer: observerOf(events),
          clients,
          draining: draining.signal,
        }),
      ),
      loadReportService({ observer: options.loads ?? { reported: () => {} } }),
      {
        name: "agentmesh.v1.DiscoveryService",
        definition: DiscoveryServiceService,
        handlers: discoveryService({ controlPlane: plane, clients: () => clients.list() }),
      },
    ],
    log,
    observe: () => {},
  });
  const close = async () => {
    draining.abort();
    await server.drain(0);
    await plane.stop();
  };
  return {
    plane,
    source,
    clients,
    port: server.port,
    events,
    streamsToEnd,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The service, of which some streams end at once. */
function ending(left: { count: number }, service: MountedService): MountedService {
  const handlers = service.handlers as Record<string, BidiHandler<unknown, unknown>>;
  const { StreamAggregatedResources: serve } = handlers;
  async function* StreamAggregatedResources(requests: AsyncIterable<unknown>, call: CallContext) {
    if (left.count-- > 0)
      throw new MeshError("STORE_UNAVAILABLE", "the test ends this stream before its first answer");
    yield* (serve as BidiHandler<unknown, unknown>)(requests, call);
  }
  return { ...service, handlers: { ...handlers, StreamAggregatedResources } };
}

function observerOf(events: string[]): AdsObserver {
  return {
    sent: (kind) => void events.push(`sent ${kind}`),
    acknowledged: (kind) => void events.push(`acknowledged ${kind}`),
    refused: (kind) => void events.push(`refused ${kind}`),
    typeNotServed: () => void events.push("not served"),
  };
}

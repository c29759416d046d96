/** A control plane in a process of its own: its endpoints come from a registry in Redis, or from the benchmark. */
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import { ConnectedClients } from "../../src/discovery/ads/clients.ts";
import { loadReportService } from "../../src/discovery/ads/load-reports.ts";
import { adsService } from "../../src/discovery/ads/service.ts";
import { ControlPlane } from "../../src/discovery/control-plane.ts";
import type { Endpoint } from "../../src/discovery/endpoint.ts";
import type { EndpointSource, SourceListener } from "../../src/discovery/source.ts";
import { RegistrySource } from "../../src/discovery/sources/registry.ts";
import { openRedisRegistry } from "../../src/fleet/redis/registry.ts";
import { startGrpcServer } from "../../src/rpc/server.ts";
import { roleName } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface ControlPlaneOptions {
  readonly redisUrl?: string;
  /** How long changes wait for others; default: as in a mesh. */
  readonly gatherMs?: number;
}

const { redisUrl, gatherMs } = partOptions<ControlPlaneOptions>();
const registry = redisUrl === undefined ? undefined : await openRedisRegistry({ url: redisUrl });
let tell: SourceListener = { changed: () => {}, failed: () => {} };
const told: EndpointSource = {
  description: "a benchmark",
  start: (listener) => {
    tell = listener;
  },
  stop: async () => {},
};
const clock = systemClock;
const plane = new ControlPlane({
  source: registry ? new RegistrySource({ registry, clock }) : told,
  roles: [roleName],
  policyFile: "",
  clock,
  log: silentLogger,
  ...(gatherMs !== undefined && { gatherMs }),
});
plane.start();
const draining = new AbortController();
const clients = new ConnectedClients();
const count = { sent: 0, bytes: 0, acknowledged: 0 };
const server = await startGrpcServer({
  host: "127.0.0.1",
  port: 0,
  portSetting: "server.grpcPort",
  services: [
    adsService({
      feed: plane,
      clock,
      clients,
      draining: draining.signal,
      observer: {
        sent(_, bytes) {
          count.sent++;
          count.bytes += bytes;
        },
        acknowledged: () => void count.acknowledged++,
        refused(kind, _, error) {
          throw new Error(`${kind} was refused: ${error}`);
        },
        typeNotServed: () => {},
      },
    }),
    loadReportService({ observer: { reported: () => {} } }),
  ],
  log: silentLogger,
  observe: () => {},
});

servePart(
  {
    address: () => `127.0.0.1:${server.port}`,
    changed: (endpoints: readonly Endpoint[]) => tell.changed(endpoints),
    count: () => ({ ...count, clients: clients.size }),
  },
  async () => {
    draining.abort();
    await server.drain(0);
    await plane.stop();
    await registry?.close();
  },
);

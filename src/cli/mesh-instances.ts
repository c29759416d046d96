/** The instances of a mesh's process: one for each role that it serves. */
import { lookup } from "node:dns/promises";
import { hostname, networkInterfaces } from "node:os";
import { advertisedAddress } from "../agent/advertised-address.ts";
import { Announcer } from "../agent/announcer.ts";
import { loadMeter, processMeters, type WorkerLoad } from "../agent/instance-load.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import { uniqueId } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { InstanceRegistry, InstanceSpec } from "../fleet/instances.ts";

export interface MeshInstancesOptions {
  readonly config: Config;
  readonly registry: InstanceRegistry;
  /** Where each role is served. */
  readonly served: readonly { readonly role: string; readonly port: number }[];
  /** Of agentmesh; setting `server.version` counts more. */
  readonly version: string;
  /** What a role's worker does at present; undefined: it has none here. */
  readonly workerLoadOf: (role: string) => WorkerLoad | undefined;
  readonly log: Logger;
}

/** Registers what is served here. Rejects for nothing that a registry does: the announcer tries on. */
export async function announceInstances(options: MeshInstancesOptions): Promise<Announcer> {
  const { config, registry, served, version, workerLoadOf, log } = options;
  const { advertise, host } = config.server;
  const { address, from } = await advertisedAddress({
    advertise,
    host,
    interfaces: networkInterfaces,
    lookup,
  });
  const instances = instancesOf(served, { config, address, version, processId: processIdOf() });
  log.info({ address, from, registry: registry.description }, "registering this process's instances");
  const meter = loadMeter({ ...processMeters, nowMs: () => systemClock.now() });
  const loadOf = ({ role }: InstanceSpec) => meter(workerLoadOf(role));
  const announcer = new Announcer({ registry, instances, loadOf, log });
  await announcer.start();
  return announcer;
}

interface Whereabouts {
  readonly config: Config;
  readonly address: string;
  readonly version: string;
  readonly processId: string;
}

function instancesOf(
  served: MeshInstancesOptions["served"],
  { config, address, version, processId }: Whereabouts,
): InstanceSpec[] {
  const { region = "", zone = "", subZone = "", weight } = config.server;
  const shared = {
    agentId: "",
    address,
    version: config.server.version ?? version,
    locality: { region, zone, subZone },
    weight,
    labels: {},
    startMs: systemClock.now(),
  };
  return served.map(({ role, port }) => ({ ...shared, id: `${role}@${processId}`, role, port }));
}

/** Unique among living processes, and telling to people: the host's name is a pod's. */
function processIdOf(): string {
  const host = hostname()
    .replace(/[^\w.-]/g, "-")
    .slice(0, 50);
  return `${host}-${process.pid}-${uniqueId(systemClock.now()).slice(-4)}`;
}

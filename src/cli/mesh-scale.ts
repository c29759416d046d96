/** What a mesh's process has to do with scale: KEDA's scaler and ScaleService on every server, and, where it is asked to, workers of its own. */
import { accessSync, constants } from "node:fs";
import type { WorkerLoad } from "../agent/instance-load.ts";
import type { Role } from "../agent/role.ts";
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import { MeshError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";
import type { Queue } from "../queue/queue.ts";
import { type GrpcServer, type MountedService, startGrpcServer } from "../rpc/server.ts";
import type { ScaleSettings } from "../scaling/decide.ts";
import { externalScaler } from "../scaling/external/service.ts";
import { type LocalScale, LocalScaler } from "../scaling/local/driver.ts";
import { RoleLoads } from "../scaling/role-loads.ts";
import { scaleService } from "../scaling/service.ts";
import { LocalFleet } from "./local-fleet.ts";
import type { ScalePolicy } from "./scale-policies.ts";

/** What services read of it: the scaler starts after them. */
export interface MeshScale {
  local: LocalScaling | undefined;
  /** KEDA's way in by TLS. */
  tls: GrpcServer | undefined;
}

export interface LocalScaling {
  /** What a role's worker processes do; undefined: it has none here. */
  loadOf(role: string): WorkerLoad | undefined;
  /** Tasks that they run now. */
  running(): number;
  of(role: string): { readonly scale: LocalScale; readonly settings: ScaleSettings } | undefined;
  /** Scales no more, and lets what its workers run end for at most `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

export interface ScaledServicesOptions {
  readonly roles: readonly Role[];
  readonly queue: Queue;
  readonly registry: InstanceRegistry;
  readonly scale: MeshScale;
}

export function scaledServices({ roles, queue, registry, scale }: ScaledServicesOptions): {
  readonly scaler: MountedService;
  readonly service: MountedService;
} {
  const scales = new Map(roles.map((role) => [role.name, role.scale]));
  const loads = new RoleLoads(queue, systemClock);
  return {
    scaler: externalScaler({ scales, loads, activity: (listener) => queue.onReady(listener) }),
    service: scaleService({ scales, loads, registry, local: (role) => scale.local?.of(role) }),
  };
}

/**
 * KEDA's scaler by TLS, on a port of its own; undefined: none is asked for. Throws INVALID_CONFIG where its certificate is missing, and
 * PORT_IN_USE.
 */
export async function startTlsScaler(
  config: Config,
  log: Logger,
  scaler: MountedService,
): Promise<GrpcServer | undefined> {
  const { tlsPort: port, tlsCert, tlsKey, tlsClientCa } = config.scaler;
  if (port === undefined) return undefined;
  const readable = (setting: string, file: string | undefined): string => {
    if (file === undefined) throw new MeshError("INVALID_CONFIG", `scaler.tlsPort needs ${setting}`);
    try {
      accessSync(file, constants.R_OK);
      return file;
    } catch (cause) {
      throw new MeshError("INVALID_CONFIG", `${setting}: ${(cause as Error).message}`, { cause });
    }
  };
  const tls = {
    certificate: readable("scaler.tlsCert", tlsCert),
    key: readable("scaler.tlsKey", tlsKey),
    ...(tlsClientCa !== undefined && { clientCa: readable("scaler.tlsClientCa", tlsClientCa) }),
  };
  const { host } = config.server;
  const server = await startGrpcServer({
    ...{ host, port, tls, log },
    portSetting: "scaler.tlsPort",
    services: [scaler],
    observe: () => {},
  });
  server.setServing(true);
  log.info({ address: `${host}:${server.port}` }, "serving KEDA's scaler by TLS");
  return server;
}

export interface LocalScaleOptions {
  readonly config: Config;
  readonly served: readonly Role[];
  readonly version: string;
  readonly log: Logger;
  readonly logFile?: string;
  readonly autoscale?: ReadonlyMap<string, ScalePolicy>;
}

/** Worker processes for the roles that are served and have a policy; undefined: none is asked for. */
export function startScale(
  { config, served, version, log, logFile, autoscale }: LocalScaleOptions,
  { queue, address }: { readonly queue: Queue; readonly address: string },
): LocalScaling | undefined {
  if (autoscale === undefined) return undefined;
  const names = new Set(served.map(({ name }) => name));
  const policies = new Map([...autoscale].filter(([role]) => names.has(role)));
  const fleet = new LocalFleet({ config, address, version, log, ...(logFile !== undefined && { logFile }) });
  const scaler = new LocalScaler({
    policies,
    loads: new RoleLoads(queue, systemClock),
    activity: (listener) => queue.onReady(listener),
    fleet,
    clock: systemClock,
    log,
  });
  scaler.start();
  return {
    loadOf: (role) => (policies.has(role) ? fleet.loadOf(role) : undefined),
    running: () => fleet.running,
    of(role) {
      const scale = scaler.statusOf(role);
      const policy = policies.get(role);
      return scale && policy && { scale, settings: policy.settings };
    },
    async drain(timeoutMs) {
      await scaler.stop();
      await fleet.drain(timeoutMs);
    },
  };
}

/** ScaleService: what people and programs ask of the decision. */
import {
  type RoleScale,
  type ScaleServiceServer,
  ScaleServiceService,
} from "../../gen/grpc/agentmesh/v1/scale.ts";
import type { HandlersOf } from "../core/call.ts";
import { msToDuration } from "../core/time.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";
import { roleOf } from "../queue/service/catalog.ts";
import type { MountedService } from "../rpc/server.ts";
import { decide, type ScaleSettings } from "./decide.ts";
import type { RoleScales } from "./external/metadata.ts";
import type { RoleLoad } from "./load.ts";
import type { LocalScale } from "./local/driver.ts";
import type { RoleLoads } from "./role-loads.ts";

export interface ScaleServiceOptions {
  readonly scales: RoleScales;
  readonly loads: RoleLoads;
  /** Whose instances are a role's replicas where nothing here scales it. */
  readonly registry: InstanceRegistry;
  /** Of what this process scales. */
  readonly local: (
    role: string,
  ) => { readonly scale: LocalScale; readonly settings: ScaleSettings } | undefined;
}

export function scaleService(options: ScaleServiceOptions): MountedService {
  return {
    name: "agentmesh.v1.ScaleService",
    definition: ScaleServiceService,
    handlers: handlersOf(options),
  };
}

function handlersOf({ scales, loads, registry, local }: ScaleServiceOptions): HandlersOf<ScaleServiceServer> {
  return {
    async getScale({ roles }) {
      for (const [place, role] of roles.entries()) roleOf(scales, `roles[${place}]`, role);
      const names = roles.length > 0 ? roles : [...scales.keys()];
      const { instances } = await registry.list();
      const serving = Map.groupBy(
        instances.filter(({ state }) => state === "SERVING"),
        ({ role }) => role,
      );
      const all = names.map(async (role) => {
        const scaled = local(role);
        const settings = scaled?.settings ?? (scales.get(role) as ScaleSettings);
        const living = serving.get(role)?.length ?? 0;
        return roleScaleOf({ role, load: await loads.of(role), settings, scale: scaled?.scale, living });
      });
      return { roles: await Promise.all(all) };
    },
  };
}

interface Parts {
  readonly role: string;
  readonly load: RoleLoad;
  readonly settings: ScaleSettings;
  readonly scale: LocalScale | undefined;
  /** Instances that live. */
  readonly living: number;
}

function roleScaleOf({ role, load, settings, scale, living }: Parts): RoleScale {
  const { metric, target, terms, replicas: desired } = decide(load, settings);
  const counts = scale ?? { replicas: living, ready: living, starting: 0, draining: 0, heldBy: "" };
  return {
    role,
    queued: load.queued,
    scheduledSoon: load.scheduledSoon,
    running: load.running,
    oldestWait: load.oldestWaitMs > 0 ? msToDuration(load.oldestWaitMs) : undefined,
    arrivalRate: load.arrivalPerSecond,
    serviceRate: load.servicePerSecond,
    serviceTime: load.serviceMs === undefined ? undefined : msToDuration(load.serviceMs),
    minReplicas: settings.min,
    maxReplicas: settings.max,
    metric,
    target,
    terms: terms.map((term) => ({ ...term })),
    desired,
    replicas: counts.replicas,
    ready: counts.ready,
    starting: counts.starting,
    draining: counts.draining,
    driver: scale ? "local" : "",
    heldBy: desired === counts.replicas ? "" : counts.heldBy,
  };
}

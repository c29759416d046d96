/**
 * KEDA's external scaler. Every answer follows from one decision over the role's work as it is now; a store that is away is an
 * error, never a zero: at an error KEDA keeps what it has, or takes its fallback.
 */
import {
  type ExternalScalerServer,
  ExternalScalerService,
  type GetMetricSpecResponse,
  type ScaledObjectRef,
} from "../../../gen/grpc/externalscaler/externalscaler.ts";
import { aborted } from "../../core/aborted.ts";
import type { CallContext, HandlersOf } from "../../core/call.ts";
import { MeshError } from "../../core/errors.ts";
import type { MountedService } from "../../rpc/server.ts";
import { type Decision, decide } from "../decide.ts";
import type { RoleLoads } from "../role-loads.ts";
import { type Activity, followActivity } from "./activity.ts";
import { type RoleScales, type ScaledRole, scaledRoleOf } from "./metadata.ts";

/** What KEDA knows the metric by, without the `s0-` that it puts before it. */
export const metricName = "agentmesh-tasks";

export interface ExternalScalerOptions {
  readonly scales: RoleScales;
  readonly loads: RoleLoads;
  /** Tells of queues that may have work. */
  readonly activity: Activity;
}

/** The service, to be mounted beside a role's own. */
export function externalScaler(options: ExternalScalerOptions): MountedService {
  return {
    name: "externalscaler.ExternalScaler",
    definition: ExternalScalerService,
    handlers: handlersOf(options),
  };
}

function handlersOf({ scales, loads, activity }: ExternalScalerOptions): HandlersOf<ExternalScalerServer> {
  const roleIn = (ref: ScaledObjectRef | undefined) => scaledRoleOf(ref?.scalerMetadata ?? {}, scales);
  const decided = async ({ role, settings }: ScaledRole): Promise<Decision> =>
    decide(await loads.of(role), settings);
  return {
    async isActive(ref) {
      return { result: (await decided(roleIn(ref))).active };
    },

    async *streamIsActive(ref, { signal }: CallContext) {
      const scaled = roleIn(ref);
      const isActive = async () => (await decided(scaled)).active;
      for await (const result of followActivity({ role: scaled.role, isActive, activity, signal }))
        yield { result };
    },

    async getMetricSpec(ref) {
      return specOf(roleIn(ref));
    },

    // Settings come with the process, so there is one answer; a stream that ended would be opened again and again.
    async *streamMetricSpec(ref, { signal }: CallContext) {
      yield specOf(roleIn(ref));
      await aborted(signal);
    },

    async getMetrics({ scaledObjectRef, metricName: asked }) {
      const scaled = roleIn(scaledObjectRef);
      if (asked !== metricName && asked !== "") throw unknownMetric(asked);
      const { metric } = await decided(scaled);
      return { metricValues: [{ metricName, metricValue: Math.ceil(metric), metricValueFloat: metric }] };
    },
  };
}

function specOf({ settings: { tasksPerReplica } }: ScaledRole): GetMetricSpecResponse {
  const targetSize = Math.max(1, Math.ceil(tasksPerReplica));
  return { metricSpecs: [{ metricName, targetSize, targetSizeFloat: tasksPerReplica }] };
}

function unknownMetric(asked: string): MeshError {
  const description = `is "${asked.slice(0, 80)}"; the one metric is ${metricName}`;
  return MeshError.invalid([{ field: "metricName", description }]);
}

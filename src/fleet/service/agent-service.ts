/** The RPCs of AgentService that are about instances, over the registry. */
import type { AgentServiceServer, HeartbeatResponse } from "../../../gen/grpc/agentmesh/v1/agent.ts";
import type { HandlersOf } from "../../core/call.ts";
import type { Clock } from "../../core/clock.ts";
import { msToDate, msToDuration } from "../../core/time.ts";
import { heartbeatIntervalMs, type InstanceRegistry, noLoad, registryFull } from "../instances.ts";
import { beatOf, instanceIdOf, registrationOf, roleFilterOf } from "./checked.ts";
import { instanceMessageOf } from "./convert.ts";

export interface AgentServiceOptions {
  readonly registry: InstanceRegistry;
  /** When an instance started, where it does not say so itself. */
  readonly clock: Clock;
}

export type InstanceHandlers = Pick<
  HandlersOf<AgentServiceServer>,
  "registerAgent" | "deregisterAgent" | "heartbeat" | "listInstances"
>;

export function instanceHandlers({ registry, clock }: AgentServiceOptions): InstanceHandlers {
  return {
    async registerAgent(request) {
      const registration = registrationOf(request, clock.now());
      const { instance, state, ttlMs } = registration;
      const [outcome] = await registry.register([registration]);
      if (outcome === "full") throw registryFull();
      const registered = { ...instance, state, ttlMs, load: noLoad, heartbeatMs: 0 };
      return {
        // The registry has its own clock.
        instance: { ...instanceMessageOf(registered), heartbeatTime: undefined },
        heartbeatInterval: msToDuration(heartbeatIntervalMs(ttlMs)),
      };
    },

    async deregisterAgent({ instanceId }) {
      await registry.deregister([instanceIdOf(instanceId)]);
      return {};
    },

    async *heartbeat(requests): AsyncGenerator<HeartbeatResponse> {
      for await (const request of requests) {
        const [outcome] = await registry.heartbeat([beatOf(request)]);
        // Nobody can ask an instance to drain yet.
        yield { unknown: outcome === "unknown", drain: false };
      }
    },

    async listInstances({ role }) {
      const { instances, nowMs } = await registry.list({ role: roleFilterOf(role) });
      return { instances: instances.map(instanceMessageOf), time: msToDate(nowMs) };
    },
  };
}

/** The RPCs of AgentService that are about instances, over the registry. */
import type { AgentServiceServer, HeartbeatResponse } from "../../../gen/grpc/agentmesh/v1/agent.ts";
import type { HandlersOf } from "../../core/call.ts";
import type { Clock } from "../../core/clock.ts";
import { MeshError } from "../../core/errors.ts";
import { msToDate, msToDuration } from "../../core/time.ts";
import { heartbeatIntervalMs, type InstanceRegistry, noLoad, registryFull } from "../instances.ts";
import { beatOf, instanceIdOf, registrationOf, roleFilterOf } from "./checked.ts";
import { instanceMessageOf } from "./convert.ts";

export interface AgentServiceOptions {
  readonly registry: InstanceRegistry;
  /** When an instance started, where it does not say so itself. */
  readonly clock: Clock;
  /** Aborts when the server begins to drain: streams of heartbeats, which have no end of their own, go elsewhere. */
  readonly draining: AbortSignal;
}

export type InstanceHandlers = Pick<
  HandlersOf<AgentServiceServer>,
  "registerAgent" | "deregisterAgent" | "heartbeat" | "listInstances"
>;

export function instanceHandlers({ registry, clock, draining }: AgentServiceOptions): InstanceHandlers {
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
      for await (const request of before(draining, requests)) {
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

/** What comes before `end` aborts; then throws SERVER_DRAINING. */
async function* before<Value>(end: AbortSignal, values: AsyncIterable<Value>): AsyncGenerator<Value> {
  const reading = values[Symbol.asyncIterator]();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  ended.catch(() => {});
  const stop = () => reject(new MeshError("SERVER_DRAINING", "the server is shutting down; beat at another"));
  if (end.aborted) stop();
  end.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([reading.next(), ended]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    end.removeEventListener("abort", stop);
  }
}

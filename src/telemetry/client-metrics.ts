/** What a client of the mesh tells Prometheus: in servers that call other roles, and in programs that pass it to a MeshClient. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Takes what a MeshClient's observer is told. */
export interface ClientMetrics {
  called(call: {
    readonly role: string;
    readonly endpoint: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
  picks(role: string): {
    retried(): void;
    retryRefused(): void;
    ejected(endpoint: string): void;
    replicas(balancer: object, ready: number, known: number): void;
  };
}

/** From half a millisecond to 10 s, as of the calls that a server answers. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createClientMetrics(registry: Registry): ClientMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: "agentmesh_client_calls_total",
    help: "Calls that this process made, by the role and the replica that they went to (empty: none was reached) and gRPC code.",
    labelNames: ["role", "endpoint", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "agentmesh_client_call_duration_seconds",
    help: "Time from a call's begin to its end, retries included.",
    labelNames: ["role"],
    buckets,
    registers,
  });
  const retries = new Counter({
    name: "agentmesh_client_retries_total",
    help: "Calls that were tried again, and (refused) those that the budget of retries kept from it.",
    labelNames: ["role", "outcome"],
    registers,
  });
  const ejections = new Counter({
    name: "agentmesh_client_ejections_total",
    help: "Replicas that were given no more calls for a while, since too many of their calls had failed.",
    labelNames: ["role", "endpoint"],
    registers,
  });
  const replicas = new Gauge({
    name: "agentmesh_client_replicas",
    help: "Replicas of a role that the control plane told of (known), and those that take calls (ready): ejected ones do not.",
    labelNames: ["role", "state"],
    registers,
  });
  return {
    called({ role, endpoint, code, seconds: took }) {
      calls.inc({ role, endpoint, code });
      seconds.observe({ role }, took);
    },
    picks(role) {
      /** Of each balancer, those that take calls and all. */
      const counts = new Map<object, readonly [ready: number, known: number]>();
      const sum = (place: 0 | 1) => [...counts.values()].reduce((total, count) => total + count[place], 0);
      return {
        retried: () => retries.inc({ role, outcome: "made" }),
        retryRefused: () => retries.inc({ role, outcome: "refused" }),
        ejected: (endpoint) => ejections.inc({ role, endpoint }),
        replicas(balancer, ready, known) {
          if (known === 0) counts.delete(balancer);
          else counts.set(balancer, [ready, known]);
          replicas.set({ role, state: "ready" }, sum(0));
          replicas.set({ role, state: "known" }, sum(1));
        },
      };
    },
  };
}

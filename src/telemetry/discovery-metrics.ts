/** What a control plane tells Prometheus. */
import { Counter, Gauge, type Registry } from "prom-client";

/** What happened, in the house's words. */
export interface DiscoveryMetrics {
  /** A response was put on a client's stream; `kind` is cluster, endpoints, listener or route. */
  pushed(kind: string, bytes: number): void;
  acknowledged(kind: string): void;
  refused(kind: string): void;
  /** What a client did with a cluster since its last report; clusters that are not published have one name together. */
  loadReported(
    load: {
      readonly cluster: string;
      readonly succeeded: number;
      readonly failed: number;
      readonly dropped: number;
    },
    isPublished: boolean,
  ): void;
  /** What a scrape reads. */
  watch(read: () => DiscoverySample): void;
}

/** A control plane, as a scrape sees it. */
export interface DiscoverySample {
  readonly clients: number;
  /** Endpoints by role and health. */
  readonly endpoints: readonly { readonly role: string; readonly health: string }[];
  readonly policyRefused: boolean;
  readonly sourceAway: boolean;
}

const nothing: DiscoverySample = { clients: 0, endpoints: [], policyRefused: false, sourceAway: false };

export function createDiscoveryMetrics(registry: Registry): DiscoveryMetrics {
  const registers = [registry];
  let read = () => nothing;
  const gauge = (name: string, help: string, of: (sample: DiscoverySample) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(of(read()));
      },
    });
  gauge(
    "agentmesh_discovery_clients",
    "xDS clients that are connected to this control plane.",
    ({ clients }) => clients,
  );
  gauge(
    "agentmesh_discovery_policy_refused",
    "1 while the traffic policy's file is refused and the last good one is in force.",
    ({ policyRefused }) => Number(policyRefused),
  );
  gauge(
    "agentmesh_discovery_source_away",
    "1 while endpoints cannot be read and the last known are served.",
    ({ sourceAway }) => Number(sourceAway),
  );
  new Gauge({
    name: "agentmesh_discovery_endpoints",
    help: "Replicas that this control plane tells of, by role and health.",
    labelNames: ["role", "health"],
    registers,
    collect() {
      this.reset();
      for (const { role, health } of read().endpoints) this.inc({ role, health });
    },
  });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const pushes = counter(
    "agentmesh_discovery_pushes_total",
    "Responses sent to xDS clients, by kind of resource.",
    ["kind"],
  );
  const bytes = counter("agentmesh_discovery_pushed_bytes_total", "Bytes of those responses.", ["kind"]);
  const answers = counter(
    "agentmesh_discovery_answers_total",
    "Answers of xDS clients to what they were sent: acknowledged, or refused.",
    ["kind", "answer"],
  );
  const calls = counter(
    "agentmesh_discovery_reported_calls_total",
    "Calls that clients reported, by cluster (other: one that is not published) and outcome: succeeded, failed, or dropped before they were sent.",
    ["cluster", "outcome"],
  );
  return {
    pushed(kind, count) {
      pushes.inc({ kind });
      bytes.inc({ kind }, count);
    },
    acknowledged: (kind) => answers.inc({ kind, answer: "acknowledged" }),
    refused: (kind) => answers.inc({ kind, answer: "refused" }),
    loadReported({ cluster: named, succeeded, failed, dropped }, isPublished) {
      const cluster = isPublished ? named : "other";
      calls.inc({ cluster, outcome: "succeeded" }, succeeded);
      calls.inc({ cluster, outcome: "failed" }, failed);
      calls.inc({ cluster, outcome: "dropped" }, dropped);
    },
    watch(reader) {
      read = reader;
    },
  };
}

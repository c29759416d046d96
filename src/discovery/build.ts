/** Builds a snapshot from endpoints and a policy. Pure: the same values give the same resources, whichever control plane builds. */
import { createHash } from "node:crypto";
import { assignmentOf } from "./build/assignment.ts";
import { clusterOf } from "./build/cluster.ts";
import { assignmentName, type ClusterKey, clusterName } from "./build/names.ts";
import { faultFilterName, hasFaults, routesOf } from "./build/route.ts";
import { anyOf } from "./build/values.ts";
import type { Endpoint, Locality } from "./endpoint.ts";
import {
  type CallPolicy,
  callPolicyOf,
  localityPolicyOf,
  rpcPoliciesOf,
  type TrafficPolicy,
  type VersionSplit,
} from "./policy.ts";
import type { ResourceBody, ResourceKind, Snapshot } from "./snapshot.ts";

export interface SnapshotParts {
  /** Every role that a client may dial; one without endpoints is told so, rather than left waiting. */
  readonly roles: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly policy: TrafficPolicy;
  /** Where the clients are that it is for. */
  readonly near: Locality;
}

export function buildSnapshot({ roles, endpoints, policy, near }: SnapshotParts): Snapshot {
  const snapshot: Record<ResourceKind, Map<string, ResourceBody>> = {
    cluster: new Map(),
    endpoints: new Map(),
    listener: new Map(),
    route: new Map(),
  };
  const byRole = Map.groupBy(endpoints, ({ role }) => role);
  for (const role of new Set([...roles, ...byRole.keys()])) {
    const built = new RoleBuilder(role, byRole.get(role) ?? [], policy);
    for (const cluster of built.clusters()) snapshot.cluster.set(String(cluster.name), cluster);
    for (const one of built.assignments(near)) snapshot.endpoints.set(String(one.cluster_name), one);
    snapshot.route.set(role, built.routeConfiguration());
    snapshot.listener.set(role, built.listener());
  }
  return snapshot;
}

class RoleBuilder {
  readonly #role: string;
  readonly #endpoints: readonly Endpoint[];
  readonly #policy: TrafficPolicy;
  readonly #calls: CallPolicy;
  readonly #rpcs: ReadonlyMap<string, CallPolicy>;

  constructor(role: string, endpoints: readonly Endpoint[], policy: TrafficPolicy) {
    this.#role = role;
    this.#endpoints = endpoints;
    this.#policy = policy;
    this.#calls = callPolicyOf(policy, role);
    this.#rpcs = rpcPoliciesOf(policy, role);
  }

  clusters(): ResourceBody[] {
    return this.#clusterKeys().map(({ key, calls }) =>
      clusterOf({
        name: clusterName(key),
        assignment: assignmentName(key, isWeighted(calls)),
        policy: calls,
      }),
    );
  }

  assignments(near: Locality): ResourceBody[] {
    const preference = localityPolicyOf(this.#policy, this.#role);
    const named = new Map<string, ResourceBody>();
    for (const { key, calls } of this.#clusterKeys()) {
      const weighted = isWeighted(calls);
      const name = assignmentName(key, weighted);
      const endpoints = this.#endpointsOf(key.version);
      if (!named.has(name)) named.set(name, assignmentOf({ name, endpoints, preference, near, weighted }));
    }
    return [...named.values()];
  }

  routeConfiguration(): ResourceBody {
    const routes = routesOf({
      role: this.#role,
      calls: this.#calls,
      rpcs: this.#rpcs,
      canaries: this.#policy.roles?.[this.#role]?.canaries ?? [],
      versions: this.#split(),
      balanced: (rpc) => this.#isBalancedApart(rpc),
    });
    // A name that changes with the content: grpc-js overlooks what is added to a virtual host of the same name.
    const name = `${this.#role} ${hashOf(routes)}`;
    return { name: this.#role, virtual_hosts: [{ name, domains: ["*"], routes }] };
  }

  /**
   * With a filter for faults only where there are some: an idle one costs grpc-js a tenth of a call. grpc-js overlooks a change of a
   * listener alone, and this one never comes alone, since the routes say what the faults are.
   */
  listener(): ResourceBody {
    const faulty = [this.#calls, ...this.#rpcs.values()].some(hasFaults);
    const http_filters = [
      ...(faulty ? [filterOf(faultFilterName, "fault.v3.HTTPFault")] : []),
      filterOf("agentmesh.router", "router.v3.Router"),
    ];
    const rds = { route_config_name: this.#role, config_source: { ads: {} } };
    const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    const api_listener = anyOf(type, { stat_prefix: this.#role, rds, http_filters });
    return { name: this.#role, api_listener: { api_listener } };
  }

  #clusterKeys(): { readonly key: ClusterKey; readonly calls: CallPolicy }[] {
    const { versions = [], canaries = [] } = this.#policy.roles?.[this.#role] ?? {};
    const named = new Set([...versions, ...canaries].map(({ version }) => version));
    const apart = [...this.#rpcs].filter(([rpc]) => this.#isBalancedApart(rpc));
    return [undefined, ...named].flatMap((version) => {
      const key: ClusterKey = { role: this.#role, ...(version !== undefined && { version }) };
      return [{ key, calls: this.#calls }, ...apart.map(([rpc, calls]) => ({ key: { ...key, rpc }, calls }))];
    });
  }

  #endpointsOf(version: string | undefined): readonly Endpoint[] {
    return version === undefined
      ? this.#endpoints
      : this.#endpoints.filter((endpoint) => endpoint.version === version);
  }

  /** The weights of versions; one that nobody serves takes nothing while another is served. */
  #split(): readonly VersionSplit[] {
    const { versions = [] } = this.#policy.roles?.[this.#role] ?? {};
    const isServed = ({ version, weight }: VersionSplit) =>
      weight > 0 && this.#endpointsOf(version).some(({ health }) => health === "HEALTHY");
    return versions.some(isServed)
      ? versions.map((split) => (isServed(split) ? split : { ...split, weight: 0 }))
      : versions;
  }

  /** Whether an RPC's policy says something that clusters have. */
  #isBalancedApart(rpc: string): boolean {
    const said = [this.#policy.defaults?.rpcs?.[rpc], this.#policy.roles?.[this.#role]?.rpcs?.[rpc]];
    return said.some((one) => one?.balancing ?? one?.outlierDetection ?? one?.circuitBreaking);
  }
}

function isWeighted({ balancing }: CallPolicy): boolean {
  return balancing.policy === "weighted";
}

function filterOf(name: string, message: string): object {
  return { name, typed_config: anyOf(`envoy.extensions.filters.http.${message}`) };
}

const hashCharacters = 12;

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, hashCharacters);
}

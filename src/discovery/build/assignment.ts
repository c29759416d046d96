/** Assignments of endpoints: who is where, grouped by locality, the near ones first. */
import type { Endpoint, Locality } from "../endpoint.ts";
import type { LocalityPolicy } from "../policy.ts";
import type { ResourceBody } from "../snapshot.ts";
import { wrapped } from "./values.ts";

export interface AssignmentOptions {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly preference: LocalityPolicy;
  /** The client's. */
  readonly near: Locality;
  /** Replicas of one capacity form a locality of their own, weighed by what they have together: every gRPC client can that. */
  readonly weighted: boolean;
}

export function assignmentOf(options: AssignmentOptions): ResourceBody {
  const { name } = options;
  const groups = [...groupsOf(options).values()];
  const levels = [...new Set(groups.map(({ distance }) => distance))].sort((a, b) => a - b);
  const kept = options.preference.failOver ? groups : groups.filter(({ distance }) => distance === levels[0]);
  const endpoints = kept.map(({ locality, distance, members }) => ({
    locality,
    // Without gaps: a client refuses priority 2 where there is no 1.
    priority: levels.indexOf(distance),
    load_balancing_weight: wrapped(
      members.reduce((sum, { weight }) => sum + (options.weighted ? weight : 1), 0),
    ),
    lb_endpoints: members.map((member) => lbEndpointOf(member)),
  }));
  return { cluster_name: name, endpoints };
}

interface Group {
  readonly locality: { readonly region: string; readonly zone: string; readonly sub_zone: string };
  /** 0 is nearest. */
  readonly distance: number;
  readonly members: Endpoint[];
}

function groupsOf({ endpoints, preference, near, weighted }: AssignmentOptions): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const endpoint of sorted(endpoints)) {
    const { region, zone, subZone } = endpoint.locality;
    const sub_zone = weighted ? `${subZone}/weight-${endpoint.weight}` : subZone;
    const key = JSON.stringify([region, zone, sub_zone]);
    const group = groups.get(key) ?? {
      locality: { region, zone, sub_zone },
      distance: distanceOf(endpoint.locality, near, preference),
      members: [],
    };
    group.members.push(endpoint);
    groups.set(key, group);
  }
  return groups;
}

function distanceOf(place: Locality, near: Locality, { prefer }: LocalityPolicy): number {
  if (prefer === "none") return 0;
  const sameRegion = place.region === near.region;
  if (prefer === "region") return sameRegion ? 0 : 1;
  if (sameRegion && place.zone === near.zone) return 0;
  return sameRegion ? 1 : 2;
}

/** One order whatever the source's: what is the same has the same bytes. Of two with one address the healthier counts. */
function sorted(endpoints: readonly Endpoint[]): Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const key = `${endpoint.address} ${endpoint.port}`;
    const other = byAddress.get(key);
    if (other === undefined || rankOf(endpoint) < rankOf(other)) byAddress.set(key, endpoint);
  }
  return [...byAddress.keys()].sort().map((key) => byAddress.get(key) as Endpoint);
}

const healthOrder = Object.freeze(["HEALTHY", "DRAINING", "UNHEALTHY"] as const);

function rankOf({ health, id }: Endpoint): string {
  return `${healthOrder.indexOf(health)} ${id}`;
}

function lbEndpointOf({ address, port, health, weight }: Endpoint): object {
  return {
    endpoint: { address: { socket_address: { address, port_value: port } } },
    health_status: health,
    load_balancing_weight: wrapped(weight),
  };
}

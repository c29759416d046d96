/** Assignments of endpoints: who is where, the near ones first. */
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
  const { name, preference } = options;
  // Without fail-over what is not near is not there, whether or not anything near is.
  const groups = groupsOf(options).filter(({ distance }) => preference.failOver || distance === 0);
  const distances = [...new Set(groups.map(({ distance }) => distance))].sort((a, b) => a - b);
  const endpoints = groups.map(({ distance, weight, members }) => ({
    locality: { region: "", zone: "", sub_zone: subZoneOf(distance, weight) },
    // Without gaps: a client refuses priority 2 where there is no 1.
    priority: distances.indexOf(distance),
    load_balancing_weight: wrapped(capacityOf(members, weight)),
    lb_endpoints: members.map((member) => lbEndpointOf(member)),
  }));
  return { cluster_name: name, endpoints };
}

/**
 * Replicas among which a client's balancer chooses. Clients draw a locality by its weight before they balance, so replicas as near
 * as each other are one, whatever their zones: least request would compare within a zone alone.
 */
interface Group {
  /** 0 is nearest. */
  readonly distance: number;
  /** Of each member; undefined: they may differ. */
  readonly weight: number | undefined;
  readonly members: Endpoint[];
}

function groupsOf({ endpoints, preference, near, weighted }: AssignmentOptions): Group[] {
  const groups = new Map<string, Group>();
  for (const endpoint of sorted(endpoints)) {
    const distance = distanceOf(endpoint.locality, near, preference);
    const weight = weighted ? endpoint.weight : undefined;
    const key = subZoneOf(distance, weight);
    const group = groups.get(key) ?? { distance, weight, members: [] };
    group.members.push(endpoint);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What tells localities apart; it says nothing of where they are. */
function subZoneOf(distance: number, weight: number | undefined): string {
  return `distance-${distance}${weight === undefined ? "" : `/weight-${weight}`}`;
}

/** Those that take no calls have no part in it, or the others of their locality would get theirs. 0 would drop the locality. */
function capacityOf(members: readonly Endpoint[], weight = 1): number {
  return Math.max(1, members.filter(({ health }) => health === "HEALTHY").length) * weight;
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

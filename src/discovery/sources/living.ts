/** From one list of the registry to the next: which endpoints there are. Pure. */
import type { Instance, InstanceList, InstanceState } from "../../fleet/instances.ts";
import type { Endpoint, EndpointHealth } from "../endpoint.ts";

/** What a reader of the registry knows. */
export interface Living {
  readonly epoch: string;
  readonly instances: ReadonlyMap<string, Known>;
}

export interface Known {
  readonly instance: Instance;
  /**
   * Set for one that is missing from a registry which may have lost it: until then, by the reader's clock, it is taken to live.
   */
  readonly keptUntilMs?: number;
}

export interface NextLook {
  /** Undefined before the first. */
  readonly before: Living | undefined;
  readonly list: InstanceList;
  /** The registry could not be read since the list before: heartbeats did not reach it either. */
  readonly wasAway: boolean;
  /** The reader's clock. */
  readonly nowMs: number;
}

/**
 * What is listed lives. What is not has left; but where the registry was away, or has lost what it had, nobody could beat, and
 * it is kept for its time to live from then on, in which it registers again if it lives: an outage of the registry is
 * none of the mesh.
 */
export function livingAfter({ before, list, wasAway, nowMs }: NextLook): Living {
  const listed = list.instances.map((instance): [string, Known] => [instance.id, { instance }]);
  const instances = new Map(listed);
  const isDoubtful = before !== undefined && (wasAway || before.epoch !== list.epoch);
  // Whoever listens there now is another.
  const taken = new Set(list.instances.map(placeOf));
  for (const [id, { instance, keptUntilMs }] of before?.instances ?? []) {
    if (instances.has(id) || taken.has(placeOf(instance))) continue;
    const untilMs = keptUntilMs ?? (isDoubtful ? nowMs + instance.ttlMs : undefined);
    if (untilMs !== undefined && nowMs < untilMs) instances.set(id, { instance, keptUntilMs: untilMs });
  }
  return { epoch: list.epoch, instances };
}

const healthOf: Readonly<Record<InstanceState, EndpointHealth>> = {
  STARTING: "UNHEALTHY",
  SERVING: "HEALTHY",
  DRAINING: "DRAINING",
};

/**
 * One endpoint for each place that somebody listens at, by role and id. Where a process was killed and another has its port, the
 * dead one's instance is still there for its time: the later to start counts, since clients refuse a place that is there twice.
 */
export function endpointsOf({ instances }: Living): readonly Endpoint[] {
  const places = new Map<string, Instance>();
  for (const { instance } of instances.values()) {
    const other = places.get(placeOf(instance));
    if (other === undefined || isLater(instance, other)) places.set(placeOf(instance), instance);
  }
  return [...places.values()].map(endpointOf).sort(byRoleAndId);
}

function endpointOf(instance: Instance): Endpoint {
  const { id, role, address, port, locality, weight, version, state } = instance;
  return { id, role, address, port, locality, weight, version, health: healthOf[state] };
}

/** Whether two lists say the same, so that nobody needs to be told. */
export function isSame(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, at) => textOf(endpoint) === textOf(b[at] as Endpoint));
}

function textOf({ id, role, address, port, locality, weight, version, health }: Endpoint): string {
  const { region, zone, subZone } = locality;
  return JSON.stringify([id, role, address, port, region, zone, subZone, weight, version, health]);
}

function placeOf({ role, address, port }: Instance): string {
  return `${role} ${address} ${port}`;
}

function isLater(a: Instance, b: Instance): boolean {
  return a.startMs === b.startMs ? a.id > b.id : a.startMs > b.startMs;
}

function byRoleAndId(a: Endpoint, b: Endpoint): number {
  if (a.role !== b.role) return a.role < b.role ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

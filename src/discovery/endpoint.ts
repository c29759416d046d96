/** One replica of a role, as the control plane knows it, whatever source told of it. */

/** Where a replica or a client runs; an empty part is unknown. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export const localityUnknown: Locality = Object.freeze({ region: "", zone: "", subZone: "" });

/**
 * HEALTHY takes calls; DRAINING takes no new ones, those in flight go on; UNHEALTHY is there and takes none (it starts, or
 * fails its readiness).
 */
export type EndpointHealth = "HEALTHY" | "DRAINING" | "UNHEALTHY";

export interface Endpoint {
  /** Unique in its source: the instance's id, the pod's name, or address and port. */
  readonly id: string;
  readonly role: string;
  /** An IP literal: gRPC clients refuse names. */
  readonly address: string;
  readonly port: number;
  readonly locality: Locality;
  /** Relative capacity, 1 to 1,000. */
  readonly weight: number;
  /** Of the software that runs there, as traffic policies split by; may be empty. */
  readonly version: string;
  readonly health: EndpointHealth;
}

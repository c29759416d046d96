/**
 * The contract of the registry: which instances live now. An instance is a running replica of a role. It is there from its
 * registration on and for as long as its heartbeats come; the registry's own clock decides, so that no two readers disagree.
 *
 * What it holds is what instances said of themselves lately, and no more: a registry that has lost everything has it again
 * within one interval of heartbeats, since each that is answered `unknown` is followed by a registration.
 */
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";

/** STARTING takes no calls yet, SERVING does, DRAINING takes no new ones and ends those that it has. */
export const instanceStates = Object.freeze(["STARTING", "SERVING", "DRAINING"] as const);
export type InstanceState = (typeof instanceStates)[number];

/** Where an instance runs; an empty part is unknown. */
export interface InstanceLocality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** How busy an instance is, as it says itself. */
export interface InstanceLoad {
  readonly tasksRunning: number;
  /** Tasks that it would run at once. */
  readonly slots: number;
  /** 1 is one whole core. */
  readonly cpuUtilization: number;
  /** Resident. */
  readonly memoryBytes: number;
}

export const noLoad: InstanceLoad = Object.freeze({
  tasksRunning: 0,
  slots: 0,
  cpuUtilization: 0,
  memoryBytes: 0,
});

/** What does not change while an instance lives. */
export interface InstanceSpec {
  /** Unique in the mesh; whoever registers it again under the same id takes its place. */
  readonly id: string;
  readonly role: string;
  /** The spec that it is a replica of; empty where it has none. */
  readonly agentId: string;
  /** An IP literal that others can dial. */
  readonly address: string;
  readonly port: number;
  /** Of its software; may be empty. */
  readonly version: string;
  readonly locality: InstanceLocality;
  /** Relative capacity, 1 to 1,000. */
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly startMs: number;
}

export interface Registration {
  readonly instance: InstanceSpec;
  readonly state: InstanceState;
  /** How long it lives without a heartbeat; see {@link ttlMsDefault}. */
  readonly ttlMs: number;
}

/** An instance as it is known now. */
export interface Instance extends InstanceSpec {
  readonly state: InstanceState;
  readonly load: InstanceLoad;
  readonly ttlMs: number;
  /** The last heartbeat, or the registration, by the registry's clock. */
  readonly heartbeatMs: number;
}

export interface InstanceBeat {
  readonly id: string;
  /** Default: as it was. */
  readonly state?: InstanceState;
  /** Default: as it was. */
  readonly load?: InstanceLoad;
}

/** `full`: the registry has {@link limits.instancesMax} instances already. */
export type RegisterOutcome = "registered" | "full";
/** `unknown`: its time had run out, or the registry has lost it; it has to register again. */
export type BeatOutcome = "known" | "unknown";

export interface InstanceList {
  /** By role, then by id. */
  readonly instances: readonly Instance[];
  /** The registry's clock. */
  readonly nowMs: number;
  /**
   * Names this registry's memory: another name than the last time says that it was lost meanwhile, so that an instance which
   * is missing may live all the same, and comes back with its next heartbeat.
   */
  readonly epoch: string;
}

/** Every method rejects with STORE_UNAVAILABLE, within 2 s, where the registry cannot be reached. */
export interface InstanceRegistry {
  /** What it is, for logs and people: `redis://127.0.0.1:6379`, or `this process`. */
  readonly description: string;
  /** Outcomes come in the order of the registrations. */
  register(registrations: readonly Registration[]): Promise<readonly RegisterOutcome[]>;
  /** Outcomes come in the order of the beats. */
  heartbeat(beats: readonly InstanceBeat[]): Promise<readonly BeatOutcome[]>;
  /** Forgets instances at once; those that are not known are let be. */
  deregister(ids: readonly string[]): Promise<void>;
  /** Those of one role, or of all. */
  list(filter?: { readonly role?: string }): Promise<InstanceList>;
  /**
   * Calls `listener` soon after an instance came, left, or changed its state; the answer ends that. It is a hint: it may be lost,
   * or come for nothing, and an instance whose time runs out is told of late. Whoever must know looks by itself as well.
   */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

/** How long an instance lives without a heartbeat, where nobody says otherwise. */
export const ttlMsDefault = limits.instanceTtlMsDefault;

/** Between two heartbeats: two may be lost. */
export function heartbeatIntervalMs(ttlMs: number): number {
  return Math.floor(ttlMs / 3);
}

/** The order of a list: by role, then by id, as characters are numbered. */
export function byRoleAndId(a: Instance, b: Instance): number {
  if (a.role !== b.role) return a.role < b.role ? -1 : 1;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** What a registration is refused with where the outcome is `full`. */
export function registryFull(): MeshError {
  return new MeshError(
    "REGISTRY_FULL",
    `${limits.instancesMax} instances live already, which is as many as the registry takes`,
    { metadata: { limit: String(limits.instancesMax) } },
  );
}

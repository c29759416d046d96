/**
 * The registry of an embedded mesh, in the memory of its one process. Memory is the right place here: SQLite's owner is the only
 * server of its mesh, so an instance can be reached for no longer than this process lives. After a restart the list is empty
 * as it must be; whoever still lives, a remote worker of one's own say, hears `unknown` at its next heartbeat and registers
 * again within seconds.
 */
import type { Clock } from "../../core/clock.ts";
import { limits } from "../../core/limits.ts";
import {
  type BeatOutcome,
  byRoleAndId,
  type Instance,
  type InstanceBeat,
  type InstanceList,
  type InstanceRegistry,
  noLoad,
  type RegisterOutcome,
  type Registration,
} from "../instances.ts";

export class MemoryRegistry implements InstanceRegistry {
  readonly description = "this process";
  readonly #clock: Clock;
  readonly #epoch: string;
  readonly #instances = new Map<string, Instance>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#epoch = String(clock.now());
  }

  async register(registrations: readonly Registration[]): Promise<readonly RegisterOutcome[]> {
    this.#lapse();
    const heartbeatMs = this.#clock.now();
    const outcomes = registrations.map(({ instance, state, ttlMs }): RegisterOutcome => {
      const { id } = instance;
      if (!this.#instances.has(id) && this.#instances.size >= limits.instancesMax) return "full";
      this.#instances.set(id, { ...instance, state, ttlMs, load: noLoad, heartbeatMs });
      return "registered";
    });
    this.#tell();
    return outcomes;
  }

  async heartbeat(beats: readonly InstanceBeat[]): Promise<readonly BeatOutcome[]> {
    let isNews = this.#lapse();
    const heartbeatMs = this.#clock.now();
    const outcomes = beats.map(({ id, state, load }): BeatOutcome => {
      const before = this.#instances.get(id);
      if (before === undefined) return "unknown";
      const now = { ...before, heartbeatMs, state: state ?? before.state, load: load ?? before.load };
      isNews ||= now.state !== before.state;
      this.#instances.set(id, now);
      return "known";
    });
    if (isNews) this.#tell();
    return outcomes;
  }

  async deregister(ids: readonly string[]): Promise<void> {
    const isNews = this.#lapse();
    const gone = ids.filter((id) => this.#instances.delete(id));
    if (isNews || gone.length > 0) this.#tell();
  }

  async list({ role = "" }: { readonly role?: string } = {}): Promise<InstanceList> {
    if (this.#lapse()) this.#tell();
    const living = [...this.#instances.values()].filter((one) => role === "" || one.role === role);
    return { instances: living.sort(byRoleAndId), nowMs: this.#clock.now(), epoch: this.#epoch };
  }

  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  /** Forgets those whose time has run out; whether there were any. */
  #lapse(): boolean {
    const nowMs = this.#clock.now();
    const gone = [...this.#instances.values()].filter(
      ({ heartbeatMs, ttlMs }) => heartbeatMs + ttlMs <= nowMs,
    );
    for (const { id } of gone) this.#instances.delete(id);
    return gone.length > 0;
  }

  /** Later, as every hint comes: a listener that calls the registry finds what it was told of. */
  #tell(): void {
    setImmediate(() => {
      for (const listener of this.#listeners) listener();
    });
  }
}

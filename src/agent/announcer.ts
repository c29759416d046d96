/**
 * Keeps a process's instances in the registry: registers them, beats for all of them together, registers again what the registry
 * does not know any more, says DRAINING to the end, and deregisters. A registry that is away stops nothing: calls are
 * tried again, and it is logged once an outage.
 */
import type { Logger } from "../core/log.ts";
import {
  heartbeatIntervalMs,
  type InstanceLoad,
  type InstanceRegistry,
  type InstanceSpec,
  type InstanceState,
  registryFull,
  ttlMsDefault,
} from "../fleet/instances.ts";

export interface AnnouncerOptions {
  readonly registry: InstanceRegistry;
  readonly instances: readonly InstanceSpec[];
  /** How busy an instance is now; asked at each heartbeat. */
  readonly loadOf: (instance: InstanceSpec) => InstanceLoad;
  readonly log: Logger;
  /** How long instances live without a heartbeat. Default: {@link ttlMsDefault}. */
  readonly ttlMs?: number;
}

/** Before what the registry could not take is said again, unless the next heartbeat comes sooner. */
const againMs = 1_000;
/** How long a process that ends waits for a registry that does not answer. */
const farewellMs = 1_000;

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #ttlMs: number;
  #state: InstanceState = "SERVING";
  /** Ids that the registry knew when it last answered. */
  readonly #known = new Set<string>();
  /** One call after the other: a heartbeat that says SERVING must not overtake one that says DRAINING. */
  #saying: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isAway = false;
  #hasEnded = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? ttlMsDefault;
  }

  /** Registers the instances as SERVING; resolves when that was tried once. */
  start(): Promise<void> {
    return this.#say();
  }

  /** Says DRAINING now and from now on; resolves when the registry has heard it, or after a second. */
  drain(): Promise<void> {
    this.#state = "DRAINING";
    return within(farewellMs, this.#say());
  }

  /** Takes the instances away; where the registry does not answer within a second, their time to live does it. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    const { registry, instances, log } = this.#options;
    const leave = async () => {
      await this.#saying;
      await registry.deregister(instances.map(({ id }) => id));
    };
    const failed = (error: unknown) =>
      log.debug(
        { error: String(error) },
        "the instances were not deregistered; they leave when their time is over",
      );
    await within(farewellMs, leave().catch(failed));
  }

  #say(): Promise<void> {
    clearTimeout(this.#timer);
    this.#saying = this.#saying.then(() => this.#sayNow());
    return this.#saying;
  }

  async #sayNow(): Promise<void> {
    if (this.#hasEnded) return;
    try {
      await this.#beat();
      await this.#register();
      if (this.#isAway) this.#options.log.info({}, "the registry of instances is back");
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway)
        this.#options.log.warn(
          { registry: this.#options.registry.description, error: String(error) },
          "the registry of instances does not take this process's; trying on",
        );
      this.#isAway = true;
    }
    if (this.#hasEnded) return;
    const everyMs = heartbeatIntervalMs(this.#ttlMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#say(), this.#isAway ? Math.min(againMs, everyMs) : everyMs);
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    const { registry, instances, loadOf } = this.#options;
    const state = this.#state;
    const known = instances.filter(({ id }) => this.#known.has(id));
    if (known.length === 0) return;
    const beats = known.map((instance) => ({ id: instance.id, state, load: loadOf(instance) }));
    const outcomes = await registry.heartbeat(beats);
    for (const [place, { id }] of known.entries()) if (outcomes[place] === "unknown") this.#known.delete(id);
  }

  async #register(): Promise<void> {
    const { registry, instances } = this.#options;
    const state = this.#state;
    const missing = instances.filter(({ id }) => !this.#known.has(id));
    if (missing.length === 0) return;
    const registrations = missing.map((instance) => ({ instance, state, ttlMs: this.#ttlMs }));
    const outcomes = await registry.register(registrations);
    for (const [place, { id }] of missing.entries())
      if (outcomes[place] === "registered") this.#known.add(id);
    if (outcomes.includes("full")) throw registryFull();
  }
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

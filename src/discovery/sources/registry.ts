/** Endpoints by the registry of instances: read at each hint and every second besides, since hints may be lost. */
import type { Clock } from "../../core/clock.ts";
import type { InstanceList, InstanceRegistry } from "../../fleet/instances.ts";
import type { Endpoint } from "../endpoint.ts";
import type { EndpointSource, SourceListener } from "../source.ts";
import { endpointsOf, isSame, type Living, livingAfter } from "./living.ts";

export interface RegistrySourceOptions {
  /** Whoever opened it closes it. */
  readonly registry: InstanceRegistry;
  readonly clock: Clock;
  /** Between two looks without a hint: an instance that dies leaves this long after its time to live, at most. Default: 1,000. */
  readonly pollMs?: number;
}

/** After a hint: instances that start together are read together. */
const hintMsMin = 5;
/**
 * A look lists everything, which keeps Redis from its queues for a while where there are thousands. However many hints come, the
 * pauses between looks are this many times as long as a look.
 */
const restPerLook = 4;

export class RegistrySource implements EndpointSource {
  readonly description: string;
  readonly #options: RegistrySourceOptions;
  #listener: SourceListener | undefined;
  #living: Living | undefined;
  #told: readonly Endpoint[] | undefined;
  #isAway = false;
  #looking: Promise<void> | undefined;
  /** Another look was asked for while one was under way, which may not have seen what that was about. */
  #again = false;
  #restUntilMs = 0;
  #endHints = () => {};
  #poll: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;

  constructor(options: RegistrySourceOptions) {
    this.#options = options;
    this.description = `the registry in ${options.registry.description}`;
  }

  start(listener: SourceListener): void {
    const { registry, pollMs = 1_000 } = this.#options;
    this.#listener = listener;
    this.#endHints = registry.onChange(() => this.#hint());
    this.#poll = setInterval(() => this.#look(), pollMs);
    this.#look();
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
    this.#endHints();
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    await this.#looking;
  }

  #hint(): void {
    if (this.#listener === undefined) return;
    const pauseMs = Math.max(hintMsMin, this.#restUntilMs - this.#options.clock.now());
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#look();
    }, pauseMs);
  }

  #look(): void {
    if (this.#listener === undefined) return;
    this.#again = this.#looking !== undefined;
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
      if (this.#again) this.#hint();
    });
  }

  async #lookNow(): Promise<void> {
    const { registry, clock } = this.#options;
    const beganMs = clock.now();
    let list: InstanceList;
    try {
      list = await registry.list();
    } catch (error) {
      if (!this.#isAway) this.#listener?.failed(error as Error);
      this.#isAway = true;
      return;
    }
    const before = this.#living;
    const nowMs = clock.now();
    this.#restUntilMs = nowMs + restPerLook * (nowMs - beganMs);
    this.#living = livingAfter({ before, list, wasAway: this.#isAway, nowMs });
    const isBack = this.#isAway;
    this.#isAway = false;
    const endpoints = endpointsOf(this.#living);
    // After an outage it is told that all is well again, though nothing may have changed.
    if (!isBack && this.#told !== undefined && isSame(this.#told, endpoints)) return;
    this.#told = endpoints;
    this.#listener?.changed(endpoints);
  }
}

/**
 * Least request for grpc-js, which brings none: registered by name, and named by the control plane. It keeps every replica
 * connected, sends each call to the less busy of a few, and lets retries through as the budget allows.
 */
import { type ChannelOptions, connectivityState, experimental } from "@grpc/grpc-js";
import { leastRequestName } from "../../core/balancing.ts";
import { RetryBudget } from "../retry-budget.ts";
import { LeastRequestConfig } from "./least-request-config.ts";
import { LeastRequestPicker, type PickObserver, Replica } from "./least-request-picker.ts";

const { LeafLoadBalancer, QueuePicker, UnavailablePicker } = experimental;

type Helper = experimental.ChannelControlHelper;
type Endpoint = experimental.Endpoint;

/** The channel option that hands a balancer its observer; the prefix keeps it out of what tells subchannels apart. */
export const picksOption = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.agentmesh_picks`;

class LeastRequestBalancer {
  readonly #helper: Helper;
  readonly #childHelper: Helper;
  readonly #budget = new RetryBudget();
  #replicas = new Map<string, Replica>();
  #config = new LeastRequestConfig();
  #observer: PickObserver | undefined;
  #isReady = false;
  /** Every replica takes calls. */
  #isWhole = false;
  #isPaused = false;
  #lastError = "none was tried";

  constructor(helper: Helper) {
    this.#helper = helper;
    this.#childHelper = experimental.createChildChannelControlHelper(helper, {
      updateState: (_state, _picker, errorMessage) => {
        if (errorMessage) this.#lastError = errorMessage;
        this.#update();
      },
      createSubchannel: (address, args) => {
        const subchannel = helper.createSubchannel(address, args);
        subchannel.addHealthStateWatcher((isHealthy) => {
          if (!isHealthy) this.#observer?.ejected(subchannel.getAddress());
        });
        return subchannel;
      },
    });
  }

  updateAddressList(
    endpoints: experimental.StatusOr<Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof LeastRequestConfig)) return false;
    this.#config = config;
    this.#observer = (options as Record<string, PickObserver | undefined>)[picksOption];
    if (!endpoints.ok) {
      if (this.#replicas.size === 0) this.#fail(endpoints.error.details);
      return true;
    }
    this.#isPaused = true;
    this.#take(endpoints.value, options, note);
    this.#isPaused = false;
    if (this.#replicas.size === 0) this.#fail(`0 of 0 replicas are serving${note ? `; ${note}` : ""}`);
    else this.#update();
    return true;
  }

  /** Called at every call. */
  exitIdle(): void {
    if (this.#isWhole) return;
    for (const { leaf } of this.#replicas.values()) leaf.exitIdle();
  }

  resetBackoff(): void {
    // Each connection has its own.
  }

  destroy(): void {
    for (const { leaf } of this.#replicas.values()) leaf.destroy();
    this.#replicas.clear();
    this.#observer?.replicas(this, 0, 0);
  }

  getTypeName(): string {
    return leastRequestName;
  }

  /** Those that stay keep their connection and their count. */
  #take(endpoints: readonly Endpoint[], options: ChannelOptions, note: string): void {
    const before = this.#replicas;
    this.#replicas = new Map();
    for (const endpoint of endpoints) {
      const key = experimental.endpointToString(endpoint);
      const kept = before.get(key);
      before.delete(key);
      kept?.leaf.updateEndpoint(endpoint, options);
      const replica = kept ?? new Replica(new LeafLoadBalancer(endpoint, this.#childHelper, options, note));
      this.#replicas.set(key, replica);
      if (!kept) replica.leaf.startConnecting();
    }
    for (const { leaf } of before.values()) leaf.destroy();
  }

  #update(): void {
    if (this.#isPaused) return;
    const all = [...this.#replicas.values()];
    const ready = all.filter(({ state }) => state === connectivityState.READY);
    this.#observer?.replicas(this, ready.length, all.length);
    if (this.#isReady && ready.length === 0) this.#helper.requestReresolution();
    this.#isReady = ready.length > 0;
    this.#isWhole = ready.length === all.length;
    if (ready.length > 0) this.#publish(connectivityState.READY, this.#picker(ready));
    else if (
      all.some(({ state }) => state === connectivityState.CONNECTING || state === connectivityState.IDLE)
    )
      this.#publish(connectivityState.CONNECTING, new QueuePicker(this));
    else this.#fail(`0 of ${all.length} replicas are serving; the last error was: ${this.#lastError}`);
    // A connection that was lost is made again at once, rather than at the next call.
    for (const { leaf, state } of all) if (state === connectivityState.IDLE) leaf.exitIdle();
  }

  #picker(replicas: readonly Replica[]): experimental.Picker {
    const shared = { config: this.#config, budget: this.#budget, observer: this.#observer };
    return new LeastRequestPicker({ replicas, ...shared });
  }

  #publish(state: connectivityState, picker: experimental.Picker): void {
    this.#helper.updateState(state, picker, null);
  }

  #fail(details: string): void {
    this.#isReady = false;
    this.#isWhole = false;
    this.#helper.updateState(
      connectivityState.TRANSIENT_FAILURE,
      new UnavailablePicker({ details }),
      details,
    );
  }
}

/** Makes grpc-js know it; again does nothing more. */
export function registerLeastRequest(): void {
  if (experimental.isLoadBalancerNameRegistered(leastRequestName)) return;
  experimental.registerLoadBalancerType(leastRequestName, LeastRequestBalancer, LeastRequestConfig);
}

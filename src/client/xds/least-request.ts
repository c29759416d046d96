/**
 * Least request for grpc-js, which brings none: registered by name, and named by the control plane. It keeps every replica
 * connected, sends each call to the less busy of a few, and lets retries through as the budget allows.
 */
import {
  type ChannelOptions,
  connectivityState,
  experimental,
  Metadata as GrpcMetadata,
  status as grpcStatus,
  type Metadata,
} from "@grpc/grpc-js";
import { leastRequestName } from "../../core/balancing.ts";
import { RetryBudget } from "../retry-budget.ts";
import { leastRequested } from "./choose.ts";

const { PickResultType, LeafLoadBalancer, QueuePicker, UnavailablePicker } = experimental;

type Helper = experimental.ChannelControlHelper;
type Endpoint = experimental.Endpoint;
type PickArgs = experimental.PickArgs;
type PickResult = experimental.PickResult;

/** The channel option that hands a balancer its observer; the prefix keeps it out of what tells subchannels apart. */
export const picksOption = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.agentmesh_picks`;

/** Told of what a balancer does. */
export interface PickObserver {
  /** A call is tried again. */
  retried(): void;
  /** A call would have been tried again, and the budget is spent. */
  retryRefused(): void;
  /** How many replicas there are, and how many take calls. */
  replicas(ready: number, known: number): void;
}

const choicesDefault = 2;
/** By this header grpc-js tells a server that it is a retry. */
const attemptsHeader = "grpc-previous-rpc-attempts";

class LeastRequestConfig {
  readonly choices: number;

  constructor(choices: number) {
    this.choices = choices;
  }

  getLoadBalancerName(): string {
    return leastRequestName;
  }

  toJsonObject(): object {
    return { [leastRequestName]: { choice_count: this.choices } };
  }

  static createFromJson({ choice_count }: { choice_count?: unknown } = {}): LeastRequestConfig {
    const choices = Number(choice_count ?? choicesDefault);
    return new LeastRequestConfig(
      Number.isFinite(choices) ? Math.max(2, Math.floor(choices)) : choicesDefault,
    );
  }
}

/** One replica: a connection, and the calls on it. */
class Replica {
  readonly leaf: InstanceType<typeof LeafLoadBalancer>;
  inFlight = 0;

  constructor(leaf: InstanceType<typeof LeafLoadBalancer>) {
    this.leaf = leaf;
  }

  get state(): connectivityState {
    return this.leaf.getConnectivityState();
  }

  /** Picks the connection, and counts the call while it lasts. */
  pick(args: PickArgs): PickResult {
    const result = this.leaf.getPicker().pick(args);
    if (result.pickResultType !== PickResultType.COMPLETE) return result;
    return {
      ...result,
      onCallStarted: () => {
        this.inFlight++;
        result.onCallStarted?.();
      },
      onCallEnded: (code, details, metadata) => {
        this.inFlight--;
        result.onCallEnded?.(code, details, metadata);
      },
    } as PickResult;
  }
}

interface PickerOptions {
  readonly replicas: readonly Replica[];
  readonly choices: number;
  readonly budget: RetryBudget;
  readonly observer: PickObserver | undefined;
}

class LeastRequestPicker {
  readonly #options: PickerOptions;

  constructor(options: PickerOptions) {
    this.#options = options;
  }

  pick(args: PickArgs): PickResult {
    const { replicas, choices, budget, observer } = this.#options;
    if (isRetry(args.metadata)) {
      if (!budget.retry()) {
        observer?.retryRefused();
        return refused();
      }
      observer?.retried();
    } else budget.call();
    return (leastRequested(replicas, choices, Math.random) as Replica).pick(args);
  }
}

function isRetry(metadata: Metadata): boolean {
  return metadata.get(attemptsHeader).length > 0;
}

/** A call that is dropped is not tried again. */
function refused(): PickResult {
  const details =
    "too many calls are being tried again; this one is not, so that replicas in trouble can recover";
  return {
    pickResultType: PickResultType.DROP,
    subchannel: null,
    status: { code: grpcStatus.UNAVAILABLE, details, metadata: new GrpcMetadata() },
    onCallStarted: null,
    onCallEnded: null,
  };
}

class LeastRequestBalancer {
  readonly #helper: Helper;
  readonly #childHelper: Helper;
  readonly #budget = new RetryBudget();
  #replicas = new Map<string, Replica>();
  #choices = choicesDefault;
  #observer: PickObserver | undefined;
  #isReady = false;
  #isPaused = false;
  #lastError = "none was tried";

  constructor(helper: Helper) {
    this.#helper = helper;
    this.#childHelper = experimental.createChildChannelControlHelper(helper, {
      updateState: (_state, _picker, errorMessage) => {
        if (errorMessage) this.#lastError = errorMessage;
        this.#update();
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
    this.#choices = config.choices;
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

  exitIdle(): void {
    for (const { leaf } of this.#replicas.values()) leaf.exitIdle();
  }

  resetBackoff(): void {
    // Each connection has its own.
  }

  destroy(): void {
    for (const { leaf } of this.#replicas.values()) leaf.destroy();
    this.#replicas.clear();
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
    this.#observer?.replicas(ready.length, all.length);
    if (this.#isReady && ready.length === 0) this.#helper.requestReresolution();
    this.#isReady = ready.length > 0;
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
    const shared = { choices: this.#choices, budget: this.#budget, observer: this.#observer };
    return new LeastRequestPicker({ replicas, ...shared });
  }

  #publish(state: connectivityState, picker: experimental.Picker): void {
    this.#helper.updateState(state, picker, null);
  }

  #fail(details: string): void {
    this.#isReady = false;
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

/** One call's way to a replica under least request. */
import {
  type connectivityState,
  experimental,
  Metadata as GrpcMetadata,
  status as grpcStatus,
  type Metadata,
} from "@grpc/grpc-js";
import type { RetryBudget } from "../retry-budget.ts";
import { leastRequested } from "./choose.ts";
import type { LeastRequestConfig } from "./least-request-config.ts";
import { Tally } from "./tally.ts";

const { PickResultType } = experimental;

type LeafLoadBalancer = InstanceType<typeof experimental.LeafLoadBalancer>;
type PickArgs = experimental.PickArgs;
type PickResult = experimental.PickResult;

/** Told of what a balancer does. */
export interface PickObserver {
  /** A call is tried again. */
  retried(): void;
  /** A call would have been tried again, and the budget is spent. */
  retryRefused(): void;
  /** A replica, by its address, takes no calls for a while: too many of them failed. */
  ejected(endpoint: string): void;
  /** How many replicas one of the role's balancers has, and how many of them take calls: there is one for each cluster. */
  replicas(balancer: object, ready: number, known: number): void;
}

/** By this header grpc-js tells a server that it is a retry. */
const attemptsHeader = "grpc-previous-rpc-attempts";

/** One replica: a connection, and the calls on it. */
export class Replica {
  readonly leaf: LeafLoadBalancer;
  readonly #tally = new Tally();

  constructor(leaf: LeafLoadBalancer) {
    this.leaf = leaf;
  }

  get inFlight(): number {
    return this.#tally.calls;
  }

  get state(): connectivityState {
    return this.leaf.getConnectivityState();
  }

  /** Picks the connection, and counts the call here and in its cluster while it lasts. */
  pick(args: PickArgs, cluster: Tally): PickResult {
    const result = this.leaf.getPicker().pick(args);
    if (result.pickResultType !== PickResultType.COMPLETE) return result;
    const own = this.#tally;
    const pick = own.pick();
    cluster.pick();
    return {
      pickResultType: result.pickResultType,
      subchannel: result.subchannel,
      status: result.status,
      onCallStarted: () => {
        own.started(pick);
        cluster.started(pick);
        result.onCallStarted?.();
      },
      onCallEnded: (code, details, metadata) => {
        own.ended();
        cluster.ended();
        result.onCallEnded?.(code, details, metadata);
      },
    };
  }
}

export interface PickerOptions {
  readonly replicas: readonly Replica[];
  readonly config: LeastRequestConfig;
  readonly budget: RetryBudget;
  readonly observer: PickObserver | undefined;
}

/** Takes each call to the less busy of a few replicas, as far as the limits of the policy and the retry budget allow. */
export class LeastRequestPicker {
  readonly #options: PickerOptions;
  readonly #cluster: Tally;

  constructor(options: PickerOptions) {
    this.#options = options;
    this.#cluster = tallyOf(options.config.cluster);
  }

  pick(args: PickArgs): PickResult {
    const { replicas, config, budget, observer } = this.#options;
    if (this.#cluster.calls >= config.requestsMax) return dropped(tooManyCalls(config));
    if (isRetry(args.metadata)) {
      if (!budget.retry()) {
        observer?.retryRefused();
        return dropped(tooManyRetries);
      }
      observer?.retried();
    } else budget.call();
    return (leastRequested(replicas, config.choices, Math.random) as Replica).pick(args, this.#cluster);
  }
}

const tallies = new Map<string, Tally>();

/** The limit is a process's: channels to one cluster share it. Policies name few clusters, so none is forgotten. */
function tallyOf(cluster: string): Tally {
  const tally = tallies.get(cluster) ?? new Tally();
  if (cluster !== "") tallies.set(cluster, tally);
  return tally;
}

function isRetry(metadata: Metadata): boolean {
  return metadata.get(attemptsHeader).length > 0;
}

const tooManyRetries =
  "too many calls are being tried again; this one is not, so that replicas in trouble can recover";

function tooManyCalls({ cluster, requestsMax }: LeastRequestConfig): string {
  return `${requestsMax} calls to ${cluster} are in flight in this process, as many as circuitBreaking.requestsMax allows`;
}

/** A call that is dropped is not tried again. */
function dropped(details: string): PickResult {
  return {
    pickResultType: PickResultType.DROP,
    subchannel: null,
    status: { code: grpcStatus.UNAVAILABLE, details, metadata: new GrpcMetadata() },
    onCallStarted: null,
    onCallEnded: null,
  };
}

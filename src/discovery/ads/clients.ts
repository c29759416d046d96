/** The clients that are connected, and what each wants and uses. */
import {
  type DiscoveryClient,
  type DiscoverySubscription,
  SubscriptionState,
} from "../../../gen/grpc/agentmesh/v1/discovery.ts";
import { limits } from "../../core/limits.ts";
import { msToDate } from "../../core/time.ts";
import { type Locality, localityUnknown } from "../endpoint.ts";
import { typeUrlOf } from "../envoy/resources.ts";
import type { SubscriptionView } from "./subscription.ts";

/** How a client names itself in its first request. */
export interface ClientNode {
  readonly id: string;
  /** Such as "gRPC Node.js 1.14.7". */
  readonly userAgent: string;
  readonly locality: Locality;
}

export const nodeUnknown: ClientNode = Object.freeze({ id: "", userAgent: "", locality: localityUnknown });

export interface ConnectedClient {
  readonly node: ClientNode;
  readonly peer: string;
  readonly protocol: "state of the world" | "delta";
  readonly connectMs: number;
  readonly subscriptions: readonly (SubscriptionView & { readonly changeMs: number })[];
}

export class ConnectedClients {
  readonly #clients = new Set<{ readonly view: ConnectedClient }>();

  /** The answer takes it out again. */
  add(client: { readonly view: ConnectedClient }): () => void {
    this.#clients.add(client);
    return () => this.#clients.delete(client);
  }

  get size(): number {
    return this.#clients.size;
  }

  /** In the contract's words; as many as one answer holds. */
  list(): DiscoveryClient[] {
    return [...this.#clients].slice(0, limits.discoveryClientsMax).map(({ view }) => messageOf(view));
  }
}

function messageOf({ node, peer, protocol, connectMs, subscriptions }: ConnectedClient): DiscoveryClient {
  return {
    nodeId: node.id,
    userAgent: node.userAgent,
    peer,
    locality: node.locality,
    connectTime: msToDate(connectMs),
    protocol,
    subscriptions: subscriptions.map(subscriptionOf),
  };
}

function subscriptionOf({
  kind,
  names,
  state,
  changeMs,
  ...rest
}: ConnectedClient["subscriptions"][number]): DiscoverySubscription {
  return {
    ...rest,
    typeUrl: typeUrlOf(kind),
    names: names.slice(0, limits.discoveryNamesShownMax),
    state: state === "NONE" ? SubscriptionState.UNSPECIFIED : SubscriptionState[state],
    changeTime: msToDate(changeMs),
  };
}

/**
 * One stream of a client, in either protocol: requests go in as they come, responses come out in the order of
 * `resourceKinds`. A client that reads slowly is sent the newest state when it reads again, not each one that it missed.
 */
import type { Clock } from "../../core/clock.ts";
import { MeshError } from "../../core/errors.ts";
import type { EncodedSnapshot, ResourceKind, ResourceSet, SnapshotFeed } from "../snapshot.ts";
import { resourceKinds } from "../snapshot.ts";
import type { ClientNode, ConnectedClient } from "./clients.ts";
import { nodeUnknown } from "./clients.ts";
import type { Response } from "./responses.ts";
import type { SubscriptionView } from "./subscription.ts";

/** A subscription of either protocol, with what makes bytes of its answers. */
export interface StreamSubscription {
  readonly view: SubscriptionView;
  readonly names: ReadonlySet<string>;
  /** What is to be sent now; undefined: nothing. It counts as sent. */
  respond(set: ResourceSet): Response | undefined;
}

export interface StreamOptions<Request, Kept extends StreamSubscription> {
  readonly protocol: ConnectedClient["protocol"];
  readonly feed: SnapshotFeed;
  readonly clock: Clock;
  readonly peer: string;
  readonly observer: AdsObserver;
  /** Who sends it; undefined: the request does not say. */
  readonly nodeOf: (request: Request) => ClientNode | undefined;
  /** Undefined: of a type that is not served. */
  readonly kindOf: (request: Request) => ResourceKind | undefined;
  readonly subscribe: (kind: ResourceKind) => Kept;
  /** Takes the request into the subscription of its kind. */
  readonly take: (subscription: Kept, request: Request) => void;
}

/** Told of what happens on streams. */
export interface AdsObserver {
  sent(kind: ResourceKind, bytes: number): void;
  acknowledged(kind: ResourceKind): void;
  refused(kind: ResourceKind, client: ClientNode, error: string): void;
  typeNotServed(client: ClientNode): void;
}

export class AdsStream<Request, Kept extends StreamSubscription> {
  readonly #options: StreamOptions<Request, Kept>;
  readonly #subscriptions = new Map<ResourceKind, { readonly kept: Kept; changeMs: number }>();
  readonly #connectMs: number;
  #node = nodeUnknown;
  #hasNode = false;
  #wake = Promise.withResolvers<void>();
  #ended = false;
  #failure: unknown;

  constructor(options: StreamOptions<Request, Kept>) {
    this.#options = options;
    this.#connectMs = options.clock.now();
  }

  get view(): ConnectedClient {
    const { peer, protocol } = this.#options;
    const subscriptions = [...this.#subscriptions.values()].map(({ kept, changeMs }) => ({
      ...kept.view,
      changeMs,
    }));
    return { node: this.#node, peer, protocol, connectMs: this.#connectMs, subscriptions };
  }

  /** Reads to the end of the requests. */
  async read(requests: AsyncIterable<Request>): Promise<void> {
    try {
      for await (const request of requests) {
        this.#request(request);
        this.wake();
      }
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#ended = true;
      this.wake();
    }
  }

  /** Ends the stream with an error. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.wake();
  }

  /** Something may have changed. */
  wake(): void {
    this.#wake.resolve();
  }

  async *responses(): AsyncGenerator<Buffer> {
    for (;;) {
      const { promise } = this.#wake;
      for (let response = this.#next(); response; response = this.#next()) yield response.bytes;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return;
      await promise;
      this.#wake = Promise.withResolvers();
    }
  }

  #request(request: Request): void {
    const { nodeOf, kindOf, subscribe, take, clock, observer } = this.#options;
    this.#node = nodeOf(request) ?? this.#node;
    if (!this.#hasNode && this.#node.id === "") {
      const description =
        "is required in the first request of a stream: give the client a name in its bootstrap's node.id";
      throw MeshError.invalid([{ field: "node.id", description }]);
    }
    this.#hasNode = true;
    const kind = kindOf(request);
    if (kind === undefined) {
      observer.typeNotServed(this.#node);
      return;
    }
    const entry = this.#subscriptions.get(kind) ?? { kept: subscribe(kind), changeMs: 0 };
    this.#subscriptions.set(kind, entry);
    const before = entry.kept.view;
    take(entry.kept, request);
    entry.changeMs = clock.now();
    this.#tell(before.state, entry.kept.view);
    this.#options.feed.want(kind, entry.kept.names);
  }

  #tell(before: SubscriptionView["state"], { kind, state, error }: SubscriptionView): void {
    const { observer } = this.#options;
    if (before !== "SENT") return;
    if (state === "ACKNOWLEDGED") observer.acknowledged(kind);
    if (state === "REFUSED") observer.refused(kind, this.#node, error);
  }

  /** The first response that is due. */
  #next(): Response | undefined {
    const snapshot: EncodedSnapshot | undefined = this.#options.feed.snapshotFor(this.#node.locality);
    if (!snapshot) return undefined;
    for (const kind of resourceKinds) {
      const entry = this.#subscriptions.get(kind);
      const response = entry?.kept.respond(snapshot[kind]);
      if (!entry || !response) continue;
      entry.changeMs = this.#options.clock.now();
      this.#options.observer.sent(kind, response.bytes.length);
      return response;
    }
    return undefined;
  }
}

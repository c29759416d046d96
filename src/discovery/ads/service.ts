/** AggregatedDiscoveryService: xDS for gRPC clients (state of the world) and for Envoy (delta). Responses pass as bytes. */
import type { BidiHandler, CallContext } from "../../core/call.ts";
import { FieldCheck } from "../../core/check.ts";
import type { Clock } from "../../core/clock.ts";
import { limits } from "../../core/limits.ts";
import { draining as drainingError } from "../../rpc/draining.ts";
import type { MountedService } from "../../rpc/server.ts";
import { messageType } from "../envoy/protos.ts";
import { kindOf } from "../envoy/resources.ts";
import type { ResourceKind, SnapshotFeed } from "../snapshot.ts";
import type { ClientNode, ConnectedClients } from "./clients.ts";
import { DeltaSubscription } from "./delta-subscription.ts";
import { Responses } from "./responses.ts";
import { type AdsObserver, AdsStream, type StreamOptions, type StreamSubscription } from "./stream.ts";
import { Subscription } from "./subscription.ts";

export interface AdsOptions {
  readonly feed: SnapshotFeed;
  readonly clock: Clock;
  readonly observer: AdsObserver;
  /** Those that are connected are added to it. */
  readonly clients: ConnectedClients;
  /** Streams end when it aborts, so that their clients turn to another control plane. */
  readonly draining: AbortSignal;
}

interface Node {
  readonly id?: string;
  readonly user_agent_name?: string;
  readonly user_agent_version?: string;
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly sub_zone?: string };
}

interface DiscoveryRequest {
  readonly version_info?: string;
  readonly node?: Node;
  readonly resource_names?: readonly string[];
  readonly type_url?: string;
  readonly response_nonce?: string;
  readonly error_detail?: { readonly message?: string } | null;
}

interface DeltaDiscoveryRequest {
  readonly node?: Node;
  readonly type_url?: string;
  readonly resource_names_subscribe?: readonly string[];
  readonly resource_names_unsubscribe?: readonly string[];
  readonly initial_resource_versions?: Readonly<Record<string, string>>;
  readonly response_nonce?: string;
  readonly error_detail?: { readonly message?: string } | null;
}

const name = "envoy.service.discovery.v3.AggregatedDiscoveryService";

/** The service, to be mounted on a gRPC server. */
export function adsService(options: AdsOptions): MountedService {
  const responses = new Responses();
  return {
    name,
    definition: {
      StreamAggregatedResources: method("StreamAggregatedResources", "DiscoveryRequest"),
      DeltaAggregatedResources: method("DeltaAggregatedResources", "DeltaDiscoveryRequest"),
    },
    handlers: {
      StreamAggregatedResources: handler<DiscoveryRequest, WholeSubscription>(options, {
        protocol: "state of the world",
        subscribe: (kind) => new WholeSubscription(kind, responses),
        take: (subscription, request) => subscription.take(request),
      }),
      DeltaAggregatedResources: handler<DeltaDiscoveryRequest, ChangeSubscription>(options, {
        protocol: "delta",
        subscribe: (kind) => new ChangeSubscription(kind, responses),
        take: (subscription, request) => subscription.take(request),
      }),
    },
  };
}

function method(methodName: string, request: string) {
  const requests = messageType(`envoy.service.discovery.v3.${request}`);
  return {
    path: `/${name}/${methodName}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: requests.serialize,
    requestDeserialize: requests.deserialize,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  };
}

type Protocol<Request, Kept extends StreamSubscription> = Pick<
  StreamOptions<Request, Kept>,
  "protocol" | "subscribe" | "take"
>;

function handler<
  Request extends { readonly node?: Node; readonly type_url?: string },
  Kept extends StreamSubscription,
>(
  { feed, clock, observer, clients, draining }: AdsOptions,
  protocol: Protocol<Request, Kept>,
): BidiHandler<Request, Buffer> {
  return async function* serve(requests: AsyncIterable<Request>, call: CallContext) {
    const stream = new AdsStream<Request, Kept>({
      ...protocol,
      feed,
      clock,
      observer,
      peer: call.peer,
      nodeOf: ({ node }) => node && nodeOf(node),
      kindOf: ({ type_url = "" }) => kindOf(type_url),
    });
    const leave = () => stream.fail(drainingError());
    draining.addEventListener("abort", leave);
    const ends = [
      clients.add(stream),
      feed.onPublish(() => stream.wake()),
      () => draining.removeEventListener("abort", leave),
    ];
    if (draining.aborted) leave();
    // It ends by itself when the call does; what it fails with is thrown by the responses.
    void stream.read(requests);
    try {
      yield* stream.responses();
    } finally {
      for (const end of ends) end();
    }
  };
}

function nodeOf({ id = "", user_agent_name = "", user_agent_version = "", locality }: Node): ClientNode {
  const { region = "", zone = "", sub_zone: subZone = "" } = locality ?? {};
  const userAgent = `${user_agent_name} ${user_agent_version}`.trim();
  const check = new FieldCheck();
  const { discoveryNameBytesMax: bytesMax } = limits;
  const fields = { id, user_agent_name: userAgent, "locality.region": region, "locality.zone": zone };
  for (const [name, value] of Object.entries({ ...fields, "locality.sub_zone": subZone }))
    check.text(`node.${name}`, value, bytesMax);
  check.done();
  return { id, userAgent, locality: { region, zone, subZone } };
}

class WholeSubscription extends Subscription implements StreamSubscription {
  readonly #responses: Responses;

  constructor(kind: ResourceKind, responses: Responses) {
    super(kind);
    this.#responses = responses;
  }

  take(request: DiscoveryRequest): void {
    const { resource_names: names = [], response_nonce: nonce = "", version_info: version = "" } = request;
    checkNames("resource_names", names);
    this.request({ names, nonce, version, error: errorOf(request) });
  }

  respond(set: Parameters<Subscription["answer"]>[0]) {
    const answer = this.answer(set);
    if (!answer) return undefined;
    const response = this.#responses.of(this.kind, set, answer);
    this.sent(response.nonce, answer.version);
    return response;
  }
}

class ChangeSubscription extends DeltaSubscription implements StreamSubscription {
  readonly #responses: Responses;

  constructor(kind: ResourceKind, responses: Responses) {
    super(kind);
    this.#responses = responses;
  }

  take(request: DeltaDiscoveryRequest): void {
    const { resource_names_subscribe: subscribe = [], resource_names_unsubscribe: unsubscribe = [] } =
      request;
    const { initial_resource_versions: versions = {}, response_nonce: nonce = "" } = request;
    checkNames("resource_names_subscribe", subscribe);
    checkNames("initial_resource_versions", Object.keys(versions));
    this.request({ subscribe, unsubscribe, versions, nonce, error: errorOf(request) });
    checkNames("resource_names_subscribe", [...this.names]);
  }

  respond(set: Parameters<DeltaSubscription["answer"]>[0]) {
    const answer = this.answer(set);
    if (!answer) return undefined;
    const response = this.#responses.delta(this.kind, answer);
    this.sent(response.nonce, answer.version);
    return response;
  }
}

function errorOf({ error_detail }: DiscoveryRequest | DeltaDiscoveryRequest): string | undefined {
  return error_detail ? (error_detail.message ?? "").slice(0, limits.errorMessageCharactersMax) : undefined;
}

function checkNames(field: string, names: readonly string[]): void {
  const { discoveryNamesMax, discoveryNameBytesMax } = limits;
  const check = new FieldCheck();
  if (names.length > discoveryNamesMax)
    check.fault(
      field,
      `names ${names.length} resources; at most ${discoveryNamesMax} are served to one client`,
    );
  const long = names.find((name) => name.length > discoveryNameBytesMax);
  if (long !== undefined)
    check.fault(
      field,
      `has a name of ${long.length} characters; at most ${discoveryNameBytesMax} are allowed`,
    );
  check.done();
}

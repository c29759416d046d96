/**
 * What grpc-js-xds 1.14.1 gets wrong in the streams to a control plane, mended from outside: it has no interface for it. The
 * faults that a control plane can avoid are avoided there, in src/discovery/build.
 */
import { getSingletonXdsClient } from "@grpc/grpc-js-xds/build/src/xds-client.js";

/** Of grpc-js-xds: says that a resource does not exist when it has not come within 15 s. */
interface ResourceTimer {
  maybeCancelTimer(): void;
}

interface AdsCall {
  readonly typeStates: ReadonlyMap<
    unknown,
    { readonly subscribedResources: ReadonlyMap<string, ReadonlyMap<string, ResourceTimer>> }
  >;
  readonly call: { cancel(): void };
  handleStreamStatus(status: unknown): void;
  unsubscribe(type: unknown, name: { readonly authority: string; readonly key: string }): void;
}

/** What it keeps for one control plane. */
export interface ServerClient {
  readonly adsCallState: AdsCall | null;
  readonly lrsCallState: { readonly call: { cancel(): void } } | null;
  /** How many parts of the process still want resources. */
  readonly refcount: number;
  readonly adsBackoff: { maxDelay: number };
  readonly lrsBackoff: { maxDelay: number };
  readonly adsClient: { getChannel(): unknown };
  maybeStartAdsStream(): void;
  unref(): void;
}

interface XdsClient {
  getOrCreateClient(authority: string): ServerClient;
}

/** Guards the streams of every control plane that this process turns to. Once a process. */
export function guardStreams(): void {
  const client = getSingletonXdsClient() as unknown as XdsClient;
  const getOrCreate = client.getOrCreateClient.bind(client);
  const guarded = new WeakSet<ServerClient>();
  client.getOrCreateClient = (authority) => {
    const server = getOrCreate(authority);
    if (!guarded.has(server)) guardServer(server);
    guarded.add(server);
    return server;
  };
}

/**
 * The longest pause before a control plane is tried again. grpc-js-xds would pause for two minutes after a longer outage, and
 * replicas that came meanwhile be unknown for as long.
 */
const pauseMsMax = 5_000;

const controlPlaneChannel = Object.freeze({
  "grpc.max_reconnect_backoff_ms": pauseMsMax,
  // It has five minutes, which is how long a control plane whose machine has died would be listened to.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
});

/** Exported for the test that shows what happens without. */
export function guardServer(server: ServerClient): void {
  hurry(server);
  const start = server.maybeStartAdsStream.bind(server);
  server.maybeStartAdsStream = () => {
    const before = server.adsCallState;
    start();
    const call = server.adsCallState;
    if (call && call !== before) guardCall(server, call);
  };
  const unref = server.unref.bind(server);
  server.unref = () => {
    unref();
    if (server.refcount >= 1) return;
    // Its load reports would go on, and keep the process from ending; so would a stream to a control plane that was never reached.
    server.lrsCallState?.call.cancel();
    server.adsCallState?.call.cancel();
    // grpc-js lets go of the process only when the channel's state changes next, where a call was canceled that had to wait.
    channelOf(server)?.callRefTimer?.unref();
  };
}

/** The channel has not connected yet, and takes its options when it does. */
function hurry(server: ServerClient): void {
  server.adsBackoff.maxDelay = pauseMsMax;
  server.lrsBackoff.maxDelay = pauseMsMax;
  Object.assign(channelOf(server)?.options ?? {}, controlPlaneChannel);
}

/** What grpc-js keeps of a channel behind its interface. */
interface InternalChannel {
  readonly options?: object;
  /** Keeps the process while a call waits. */
  readonly callRefTimer?: NodeJS.Timeout;
}

function channelOf(server: ServerClient): InternalChannel | undefined {
  return (server.adsClient.getChannel() as { readonly internalChannel?: InternalChannel }).internalChannel;
}

function guardCall(server: ServerClient, call: AdsCall): void {
  const ended = call.handleStreamStatus.bind(call);
  call.handleStreamStatus = (status) => {
    // They would run out for a stream that is gone, and take resources away that the next one has brought.
    for (const timer of timersOf(call)) timer.maybeCancelTimer();
    // One that was ended because nothing was wanted may have a successor by now, which this would forget.
    if (server.adsCallState === call) ended(status);
  };
  const unsubscribe = call.unsubscribe.bind(call);
  call.unsubscribe = (type, name) => {
    call.typeStates.get(type)?.subscribedResources.get(name.authority)?.get(name.key)?.maybeCancelTimer();
    unsubscribe(type, name);
  };
}

function* timersOf(call: AdsCall): Iterable<ResourceTimer> {
  for (const { subscribedResources } of call.typeStates.values())
    for (const timers of subscribedResources.values()) yield* timers.values();
}

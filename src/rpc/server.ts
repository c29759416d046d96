/** A gRPC server: services, health and reflection on one port, with limits set and a drain that loses no call. */
import type { Server as NetServer, Socket } from "node:net";
import { experimental, Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { limits } from "../core/limits.ts";
import type { CallRecordOptions } from "./call-record.ts";
import { draining, farewellMs, watchersMsMax } from "./draining.ts";
import { addressOf, portTaken } from "./listen.ts";
import { mount, mountable } from "./mount.ts";
import { reflection } from "./reflection.ts";
import type { CallsUnderWay, ServedCall } from "./served-call.ts";

export interface MountedService {
  /** Such as "agentmesh.v1.TaskService": what health is asked by. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly handlers: object;
  /** Two-way streams of it go on as long as their client does, with nothing to lose when they end. */
  readonly endless?: boolean;
}

export interface GrpcServerOptions extends CallRecordOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Named in the error when the port is taken. */
  readonly portSetting: string;
  readonly services: readonly MountedService[];
  /** Default: none, in the clear. */
  readonly tls?: TlsFiles;
  /** When connections are replaced; default: never. */
  readonly connectionAge?: ConnectionAge;
}

/** Files in PEM, read again when they have changed: certificates are renewed while a server lives. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Who signs clients' certificates, without which none is let in; default: anybody is. */
  readonly clientCa?: string;
}

/** A connection takes no new calls after `ageMs`, a tenth more or less, and is cut `graceMs` later. */
export interface ConnectionAge {
  readonly ageMs: number;
  readonly graceMs: number;
}

export interface GrpcServer {
  readonly host: string;
  readonly port: number;
  /** "" and every service's name at once. */
  setServing(serving: boolean): void;
  /**
   * Refuses new calls and lets those in flight end for at most `timeoutMs`, endless streams for a second. The rest
   * are told SERVER_DRAINING, so that their callers go to another replica, and what still has not ended then is cut.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** HTTP/2 windows: at grpc-js's 64 KiB, messages of 10 KB queue behind each other. */
const flowControlWindow = 4 * 1_048_576;

export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server({
    "grpc.max_receive_message_length": limits.messageBytesMax,
    "grpc.max_send_message_length": limits.messageBytesMax,
    "grpc-node.flow_control_window": flowControlWindow,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.max_concurrent_streams": 10_000,
    // Counts and traces of each call that nothing here serves.
    "grpc.enable_channelz": 0,
    // A connection without a call is a client that has gone; streams keep theirs.
    "grpc.max_connection_idle_ms": 600_000,
    ...(options.connectionAge && {
      "grpc.max_connection_age_ms": options.connectionAge.ageMs,
      "grpc.max_connection_age_grace_ms": options.connectionAge.graceMs,
    }),
  });
  const underWay: CallsUnderWay = new Set();
  const names = ["", ...options.services.map((service) => service.name)];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "NOT_SERVING"])));
  for (const { definition, handlers, endless = false } of options.services)
    server.addService(mountable(definition), mount(definition, handlers, { ...options, underWay, endless }));
  health.addToServer(server);
  reflection(options.services.map((service) => service.name)).addToServer(server);
  const port = await bind(server, options);
  const sockets = socketsOf(server);
  return {
    host: options.host,
    port,
    setServing(serving) {
      for (const name of names) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
    },
    drain: (timeoutMs) => drain(server, underWay, sockets, timeoutMs),
  };
}

function bind(server: Server, options: GrpcServerOptions): Promise<number> {
  const credentials = options.tls ? tlsCredentials(options.tls) : ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => {
    server.bindAsync(addressOf(options.host, options.port), credentials, (error, port) =>
      error ? reject(portTaken({ ...options, what: "gRPC" }, error)) : resolve(port),
    );
  });
}

/** Between looks whether a certificate was renewed. */
const refreshMs = 60_000;

function tlsCredentials({ certificate, key, clientCa }: TlsFiles): ServerCredentials {
  const provider = (files: object) =>
    new experimental.FileWatcherCertificateProvider({ refreshIntervalMs: refreshMs, ...files });
  const identity = provider({ certificateFile: certificate, privateKeyFile: key });
  const ca = clientCa === undefined ? null : provider({ caCertificateFile: clientCa });
  // Its names stand the other way round: what it calls the first is the second.
  return experimental.createCertificateProviderServerCredentials(identity, ca, clientCa !== undefined);
}

/** What is connected to it, now and later: grpc-js keeps its listeners to itself. */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<NetServer, unknown> };
  const sockets = new Set<Socket>();
  for (const listener of http2Servers.keys())
    listener.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
  return sockets;
}

function drain(
  server: Server,
  underWay: CallsUnderWay,
  sockets: ReadonlySet<Socket>,
  timeoutMs: number,
): Promise<void> {
  const tell = (which: (call: ServedCall) => boolean) => () => {
    for (const call of underWay) if (which(call)) call.stop(draining());
  };
  const timers = [
    setTimeout(
      tell((call) => call.endless),
      Math.min(timeoutMs, watchersMsMax),
    ),
    setTimeout(
      tell(() => true),
      timeoutMs,
    ),
    setTimeout(() => {
      server.forceShutdown();
      // It ends its side, and waits for the other: a peer that hangs would keep this process.
      for (const socket of sockets) socket.destroy();
    }, timeoutMs + farewellMs),
  ];
  return new Promise((resolve) => {
    server.tryShutdown(() => {
      for (const timer of timers) clearTimeout(timer);
      resolve();
    });
  });
}

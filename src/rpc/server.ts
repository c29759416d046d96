/** A gRPC server: services, health and reflection on one port, with limits set and a drain that loses no call. */
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { CallRecordOptions } from "./call-record.ts";
import { draining, farewellMs, watchersMsMax } from "./draining.ts";
import { mount, readable } from "./mount.ts";
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
    // A connection without a call is a client that has gone; streams keep theirs.
    "grpc.max_connection_idle_ms": 600_000,
  });
  const underWay: CallsUnderWay = new Set();
  const names = ["", ...options.services.map((service) => service.name)];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "NOT_SERVING"])));
  for (const { definition, handlers, endless = false } of options.services)
    server.addService(readable(definition), mount(definition, handlers, { ...options, underWay, endless }));
  health.addToServer(server);
  reflection(options.services.map((service) => service.name)).addToServer(server);
  const port = await bind(server, options);
  return {
    host: options.host,
    port,
    setServing(serving) {
      for (const name of names) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
    },
    drain: (timeoutMs) => drain(server, underWay, timeoutMs),
  };
}

function bind(server: Server, options: GrpcServerOptions): Promise<number> {
  const address = `${options.host.includes(":") ? `[${options.host}]` : options.host}:${options.port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (!error) return resolve(port);
      reject(portTaken(`gRPC: ${address}`, options.portSetting, error));
    });
  });
}

const whyNoListening: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EACCES: "this user may not",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** The error for a port that cannot be listened on. */
export function portTaken(what: string, setting: string, cause: Error): MeshError {
  const known = Object.keys(whyNoListening).find((code) => cause.message.includes(code)) ?? "";
  const why = whyNoListening[known] ?? cause.message;
  const message = `${what} cannot be listened on (${why}); stop what holds it, or set ${setting}`;
  return new MeshError("PORT_IN_USE", message, { cause });
}

function drain(server: Server, underWay: CallsUnderWay, timeoutMs: number): Promise<void> {
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
    setTimeout(() => server.forceShutdown(), timeoutMs + farewellMs),
  ];
  return new Promise((resolve) => {
    server.tryShutdown(() => {
      for (const timer of timers) clearTimeout(timer);
      resolve();
    });
  });
}

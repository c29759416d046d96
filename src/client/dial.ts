/** Where a client's calls go: one server, all addresses of a name, or the replicas that a control plane tells of. */
import { isIPv4, isIPv6 } from "node:net";
import type { ClientOptions } from "@grpc/grpc-js";
import { MeshError } from "../core/errors.ts";
import { rolePattern } from "../core/ids.ts";
import { clientDefaults } from "../core/ports.ts";
import { type CallsObserver, Connection } from "../rpc/connection.ts";
import { serviceConfig } from "./service-config.ts";
import type { ClientPlace } from "./xds/bootstrap.ts";
import { type ClientNode, installXds } from "./xds/install.ts";
import { picksOption } from "./xds/least-request.ts";
import type { PickObserver } from "./xds/least-request-picker.ts";

export interface DialOptions {
  /**
   * `HOST:PORT`, several of them separated by commas, `dns:///NAME:PORT` (every address that the name has, in turn), or
   * `xds:///ROLE` (with another control plane than ours `xds:///NAME:PORT`). Default: `xds:///` with `role` where control planes are named, else 127.0.0.1:9090.
   */
  readonly server?: string | undefined;
  /** Control planes, HOST:PORT each, tried in this order. */
  readonly controlPlanes?: readonly string[];
  /** The role whose replicas take the calls where control planes are named; default orchestrator, which any mesh has. */
  readonly role?: string;
  /** Where this client runs: replicas that are near come first where the policy says so. */
  readonly place?: ClientPlace;
  /** How it names itself to them. */
  readonly node?: ClientNode;
  readonly observer?: CallsObserver & Partial<PicksObserver>;
}

/** {@link PickObserver}, for many roles. */
export interface PicksObserver {
  picks(role: string): PickObserver;
}

const scheme = "xds:///";
/** As istiod has them: coding.agents.svc.cluster.local:9090. */
const serviceName = /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?:\d{1,5}$/;
const roleDefault = "orchestrator";
const placeUnknown: ClientPlace = Object.freeze({ region: "", zone: "", subZone: "" });
/** How long a call waits for a control plane that it has not heard of yet. */
const firstAnswerMsMax = 5_000;

/** What is dialed, and how. Pure. */
export interface Target {
  readonly address: string;
  /** Of an xDS target. */
  readonly role: string | undefined;
  readonly roundRobin: boolean;
}

/** Throws INVALID_CONFIG for an address that cannot be dialed. */
export function targetOf({ server, controlPlanes = [], role = roleDefault }: DialOptions): Target {
  if (server === undefined && controlPlanes.length > 0) return targetOf({ server: `${scheme}${role}` });
  const address = server ?? clientDefaults.server;
  if (address.startsWith("xds:")) {
    const named = address.slice(scheme.length);
    if (address.startsWith(scheme) && (rolePattern.test(named) || serviceName.test(named)))
      return { address, role: named, roundRobin: false };
    const message = `${address} names no role; write it as xds:///coding, or, of a service that istiod knows, as xds:///NAME:PORT`;
    throw new MeshError("INVALID_CONFIG", message);
  }
  const addresses = address.split(",").map((one) => one.trim());
  if (addresses.length === 1) return { address, role: undefined, roundRobin: address.startsWith("dns:") };
  return { address: `${familyOf(addresses)}:${addresses.join(",")}`, role: undefined, roundRobin: true };
}

/** grpc-js takes several addresses of one family, and no names among them. */
function familyOf(addresses: readonly string[]): "ipv4" | "ipv6" {
  if (addresses.every((one) => /^\[.*\]:\d+$/.test(one) && isIPv6(one.slice(1, one.lastIndexOf("]")))))
    return "ipv6";
  if (addresses.every((one) => /:\d+$/.test(one) && isIPv4(one.slice(0, one.lastIndexOf(":")))))
    return "ipv4";
  const message =
    "several addresses must all be IPv4 or all IPv6, with their ports, such as 10.0.0.1:9090,10.0.0.2:9090; dns:///NAME:PORT " +
    "stands for all of a name's";
  throw new MeshError("INVALID_CONFIG", `client.server is ${addresses.join(",")}: ${message}`);
}

/** Connects when it is first called. Throws INVALID_CONFIG for what cannot be dialed. */
export function dial(options: DialOptions = {}): Connection {
  const { controlPlanes = [], place = placeUnknown, node, observer } = options;
  const { address, role, roundRobin } = targetOf(options);
  const shared = { ...(observer && { observer }) };
  if (role === undefined) {
    const channel: ClientOptions = { "grpc.service_config": serviceConfig(roundRobin) };
    return new Connection(address, { ...shared, channel });
  }
  installXds({ controlPlanes, place, node });
  const channel: ClientOptions = {
    // Connections to replicas are shared by all channels of the process.
    "grpc.use_local_subchannel_pool": 0,
    ...(observer?.picks && { [picksOption]: observer.picks(role) }),
  };
  return new Connection(address, { ...shared, channel, role, firstAnswerMsMax });
}

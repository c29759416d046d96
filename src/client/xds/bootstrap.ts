/**
 * The bootstrap: where the control planes are, and who this client is. Pure. One that is given (for any gRPC client, by istiod's
 * agent say) is put into the form that grpc-js-xds takes; without one it is made from settings.
 */
import { isIPv4, isIPv6 } from "node:net";
import { MeshError } from "../../core/errors.ts";

export interface ClientPlace {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export interface BootstrapParts {
  /** HOST:PORT each, in the order in which they are tried. */
  readonly controlPlanes: readonly string[];
  /** How the control plane lists this client. */
  readonly nodeId: string;
  /** What else the control plane is told of it; istiod wants GENERATOR and NAMESPACE. */
  readonly nodeMetadata?: Readonly<Record<string, string>>;
  readonly place: ClientPlace;
}

/** As gRPC's bootstrap file has it. */
export interface Bootstrap {
  readonly xds_servers: readonly {
    readonly server_uri: string;
    readonly channel_creds: readonly { readonly type: string; readonly config?: object }[];
    readonly server_features?: readonly string[];
  }[];
  readonly node: {
    readonly id: string;
    readonly locality?: { readonly region?: string; readonly zone?: string; readonly sub_zone?: string };
    readonly metadata?: object;
  };
  readonly [field: string]: unknown;
}

/** A name that has gone and comes back is otherwise not found again. */
const keepDeleted = "ignore_resource_deletion";

export function bootstrapOf({ controlPlanes, nodeId, nodeMetadata, place }: BootstrapParts): Bootstrap {
  const { region, zone, subZone: sub_zone } = place;
  return normalBootstrap({
    xds_servers: controlPlanes.map((server_uri) => ({ server_uri, channel_creds: [{ type: "insecure" }] })),
    node: {
      id: nodeId,
      locality: { region, zone, sub_zone },
      ...(nodeMetadata && { metadata: nodeMetadata }),
    },
  });
}

/** What was written for any gRPC client, as text. Throws INVALID_CONFIG that names the field. */
export function readBootstrap(text: string, where: string): Bootstrap {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MeshError("INVALID_CONFIG", `${where} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const { xds_servers, node } = (parsed ?? {}) as Partial<Bootstrap>;
  if (!Array.isArray(xds_servers) || xds_servers.length === 0)
    throw new MeshError("INVALID_CONFIG", `${where}: xds_servers must list a control plane`);
  if (typeof node?.id !== "string") throw new MeshError("INVALID_CONFIG", `${where}: node.id must be a text`);
  return normalBootstrap(parsed as Bootstrap);
}

/**
 * grpc-js-xds uses the first server alone: several become one list of addresses. It refuses a node without locality, as istiod's
 * template has it.
 */
export function normalBootstrap(bootstrap: Bootstrap): Bootstrap {
  const { xds_servers: servers, node } = bootstrap;
  const features = new Set(servers.flatMap(({ server_features = [] }) => server_features));
  const server = {
    server_uri: joined(servers.map(({ server_uri }) => server_uri)),
    channel_creds: credentialsOf(servers[0]),
    server_features: [...features, ...(features.has(keepDeleted) ? [] : [keepDeleted])],
  };
  return { ...bootstrap, xds_servers: [server], node: { ...node, locality: node.locality ?? {} } };
}

function credentialsOf(server: Bootstrap["xds_servers"][number] | undefined) {
  const types = (server?.channel_creds ?? []).map(({ type }) => type);
  if (types.some((type) => type === "insecure" || type === "google_default"))
    return server?.channel_creds ?? [];
  const message = `xds_servers[0].channel_creds has ${types.join(", ") || "none"}; grpc-js knows insecure and google_default`;
  throw new MeshError("INVALID_CONFIG", `the bootstrap's ${message}`);
}

/** One target for all addresses, tried in their order. */
function joined(uris: readonly string[]): string {
  const [only = "", ...others] = uris;
  if (others.length === 0) return only;
  const bare = uris.map((uri) => uri.replace(/^(ipv4|ipv6|dns):(\/\/\/?)?/, ""));
  if (bare.every((uri) => isIPv4(uri.slice(0, uri.lastIndexOf(":"))))) return `ipv4:${bare.join(",")}`;
  if (bare.every((uri) => isIPv6(uri.slice(1, uri.lastIndexOf("]"))))) return `ipv6:${bare.join(",")}`;
  const message =
    "several control planes must all be IPv4 or all IPv6 addresses, such as 10.0.0.1:9090,10.0.0.2:9090; one name may stand " +
    "for all of them";
  throw new MeshError("INVALID_CONFIG", `client.discovery is ${uris.join(",")}: ${message}`);
}

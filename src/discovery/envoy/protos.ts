/**
 * Envoy's API as grpc-js-xds ships it, read once by proto-loader when a control plane first needs it: hundreds of files that
 * nothing else of the house speaks are better not generated.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";

const files = [
  "envoy/service/discovery/v3/ads.proto",
  "envoy/service/load_stats/v3/lrs.proto",
  "envoy/config/listener/v3/listener.proto",
  "envoy/config/route/v3/route.proto",
  "envoy/config/cluster/v3/cluster.proto",
  "envoy/config/endpoint/v3/endpoint.proto",
  "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
  "envoy/extensions/filters/http/router/v3/router.proto",
  "envoy/extensions/filters/http/fault/v3/fault.proto",
  "envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.proto",
  "envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto",
  "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto",
  "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.proto",
  "xds/type/v3/typed_struct.proto",
];

let loaded: PackageDefinition | undefined;

function definitions(): PackageDefinition {
  if (loaded) return loaded;
  const root = join(
    dirname(createRequire(import.meta.url).resolve("@grpc/grpc-js-xds/package.json")),
    "deps",
  );
  const includeDirs = ["envoy-api", "xds", "googleapis", "protoc-gen-validate"].map((name) =>
    join(root, name),
  );
  loaded = loadSync(files, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: false,
    oneofs: true,
    includeDirs,
  });
  return loaded;
}

/** How messages of a type such as "envoy.config.cluster.v3.Cluster" are written and read. */
export function messageType<Message = object>(name: string): MessageTypeDefinition<Message, Message> {
  const found = definitions()[name];
  if (found === undefined || !("serialize" in found)) throw new Error(`${name} is no message of Envoy's API`);
  return found as unknown as MessageTypeDefinition<Message, Message>;
}

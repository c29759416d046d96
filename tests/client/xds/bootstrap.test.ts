import { expect, test } from "vitest";
import { targetOf } from "../../../src/client/dial.ts";
import { bootstrapOf, readBootstrap } from "../../../src/client/xds/bootstrap.ts";
import { errorOf } from "../../support/mesh.ts";

const place = { region: "eu", zone: "eu-a", subZone: "" };
const insecure = [{ type: "insecure" }];

test("settings make a bootstrap: one server for all control planes, the place, the node as it names itself", () => {
  const controlPlanes = ["10.0.0.1:9090", "10.0.0.2:9090"];
  const nodeId = "sidecar~10.0.0.9~coding-0.agents~agents.svc.cluster.local";
  const nodeMetadata = { GENERATOR: "grpc", NAMESPACE: "agents" };
  expect(bootstrapOf({ controlPlanes, nodeId, nodeMetadata, place })).toEqual({
    xds_servers: [
      {
        server_uri: "ipv4:10.0.0.1:9090,10.0.0.2:9090",
        channel_creds: insecure,
        server_features: ["ignore_resource_deletion"],
      },
    ],
    node: { id: nodeId, metadata: nodeMetadata, locality: { region: "eu", zone: "eu-a", sub_zone: "" } },
  });
});

test("istiod's template is mended: it has no locality, and features that are kept", () => {
  const node = { id: "sidecar~10.0.0.9~a.b~b.svc.cluster.local", metadata: { GENERATOR: "grpc" } };
  const template = {
    xds_servers: [
      { server_uri: "unix:///etc/istio/XDS", channel_creds: insecure, server_features: ["xds_v3"] },
    ],
    node,
    certificate_providers: { default: { plugin_name: "file_watcher", config: {} } },
  };
  const read = readBootstrap(JSON.stringify(template), "GRPC_XDS_BOOTSTRAP (x)");
  expect(read.node).toEqual({ ...node, locality: {} });
  expect(read.xds_servers[0]?.server_features).toEqual(["xds_v3", "ignore_resource_deletion"]);
  expect(read.certificate_providers).toEqual(template.certificate_providers);
});

test.for([
  ["no JSON", "{", "is no JSON"],
  ["no server", `{"node":{"id":"a"},"xds_servers":[]}`, "must list a control plane"],
  ["no node", `{"xds_servers":[{"server_uri":"a:1","channel_creds":[{"type":"insecure"}]}]}`, "node.id"],
  [
    "credentials that grpc-js does not know",
    `{"node":{"id":"a"},"xds_servers":[{"server_uri":"a:1","channel_creds":[{"type":"tls"}]}]}`,
    "channel_creds has tls",
  ],
  [
    "addresses of two families",
    `{"node":{"id":"a"},"xds_servers":[{"server_uri":"10.0.0.1:1","channel_creds":[{"type":"insecure"}]},{"server_uri":"[::1]:1"}]}`,
    "several control planes",
  ],
])("a bootstrap with %s is refused", async ([, text, why]) => {
  const error = await errorOf((async () => readBootstrap(text ?? "", "GRPC_XDS_BOOTSTRAP_CONFIG"))());
  expect([error.reason, error.message]).toEqual(["INVALID_CONFIG", expect.stringContaining(why ?? "")]);
});

test.for([
  [{ server: "xds:///coding" }, "xds:///coding"],
  [{ controlPlanes: ["10.0.0.1:9090"] }, "xds:///orchestrator"],
  [{ server: "xds:///coding.agents.svc.cluster.local:9090" }, "xds:///coding.agents.svc.cluster.local:9090"],
  [{ server: "10.0.0.1:1, 10.0.0.2:2" }, "ipv4:10.0.0.1:1,10.0.0.2:2"],
  [{ server: "[::1]:1,[::1]:2" }, "ipv6:[::1]:1,[::1]:2"],
] as const)("%j is dialed as %s", ([options, address]) => {
  expect(targetOf(options).address).toBe(address);
});

test.each(["localhost:1,localhost:2", "10.0.0.1:1,[::1]:2", "10.0.0.1:1,10.0.0.2", "[::1]:1,[::1"])(
  "%s cannot be dialed, and is refused",
  (server) => {
    expect(() => targetOf({ server })).toThrow(/several addresses must all be IPv4 or all IPv6/);
  },
);

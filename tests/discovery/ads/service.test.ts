import { status } from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { SubscriptionState } from "../../../gen/grpc/agentmesh/v1/discovery.ts";
import { limits } from "../../../src/core/limits.ts";
import { messageType } from "../../../src/discovery/envoy/protos.ts";
import { type AdsResponse, adsClient } from "../../support/ads-client.ts";
import { startControlPlane } from "../../support/control-plane.ts";
import { endpoint } from "../endpoints.ts";

interface Assignment {
  readonly cluster_name: string;
  readonly endpoints?: {
    lb_endpoints: { endpoint: { address: { socket_address: { port_value: number } } } }[];
  }[];
}

function portsIn({ resources }: AdsResponse): number[] {
  return resources
    .map(({ value }) =>
      messageType<Assignment>("envoy.config.endpoint.v3.ClusterLoadAssignment").deserialize(value),
    )
    .flatMap(({ endpoints = [] }) => endpoints)
    .flatMap(({ lb_endpoints }) => lb_endpoints)
    .map(({ endpoint: { address } }) => address.socket_address.port_value);
}

const ack = ({ version_info, nonce }: AdsResponse) => ({ version_info, response_nonce: nonce });

describe("a stream of the state of the world", () => {
  test("serves each kind, follows changes, and lists its client with what it has acknowledged", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint({ port: 7 })] });
    using client = adsClient({ port: started.port });
    client.request("listener", { resource_names: ["coding"] });
    const listener = await client.next();
    expect(listener.resources).toHaveLength(1);
    client.request("listener", { resource_names: ["coding"], ...ack(listener) });
    client.request("endpoints", { resource_names: ["coding"] });
    const first = await client.next();
    expect(portsIn(first)).toEqual([7]);
    client.request("endpoints", { resource_names: ["coding"], ...ack(first) });
    started.source.tell.changed([endpoint({ port: 8 })]);
    const second = await client.next();
    expect(portsIn(second)).toEqual([8]);
    expect(second.version_info).not.toBe(first.version_info);
    const [shown] = started.clients.list();
    expect(shown).toMatchObject({
      nodeId: "test",
      locality: { region: "eu" },
      protocol: "state of the world",
    });
    expect(shown?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(shown?.subscriptions.map(({ state }) => state)).toEqual([
      SubscriptionState.ACKNOWLEDGED,
      SubscriptionState.SENT,
    ]);
  });

  test("sends what a change touches in the order in which one thing points to another", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint({ port: 7 })] });
    using client = adsClient({ port: started.port });
    for (const kind of ["route", "listener", "endpoints", "cluster"]) {
      client.request(kind, { resource_names: ["coding"] });
      const response = await client.next();
      client.request(kind, { resource_names: ["coding"], ...ack(response) });
    }
    await vi.waitFor(() =>
      expect(started.events.filter((event) => event.startsWith("acknowledged"))).toHaveLength(4),
    );
    started.plane.setPolicy("roles: { coding: { balancing: { policy: roundRobin }, timeoutSeconds: 4 } }");
    const kinds = [await client.next(), await client.next()].map(({ type_url }) =>
      type_url.split(".").at(-1),
    );
    expect(kinds).toEqual(["Cluster", "RouteConfiguration"]);
  });

  test("tells every client of one locality the same bytes under one nonce", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint()] });
    const clients = [adsClient({ port: started.port }), adsClient({ port: started.port })];
    const nonces: string[] = [];
    for (const client of clients) {
      client.request("cluster", { resource_names: ["coding"] });
      nonces.push((await client.next()).nonce);
      client[Symbol.dispose]();
    }
    expect(nonces[0]).toBe(nonces[1]);
  });

  test("keeps the last good of a client that refuses, and says why it did", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint()] });
    using client = adsClient({ port: started.port });
    client.request("cluster", { resource_names: ["coding"] });
    const { nonce } = await client.next();
    client.request("cluster", {
      resource_names: ["coding"],
      response_nonce: nonce,
      error_detail: { code: 3, message: "unsupported lb_policy" },
    });
    await vi.waitFor(() => expect(started.events).toContain("refused cluster"));
    expect(started.clients.list()[0]?.subscriptions[0]).toMatchObject({
      state: SubscriptionState.REFUSED,
      error: "unsupported lb_policy",
      versionAcknowledged: "",
    });
  });

  test("sends a client that did not read the newest state, not each that it missed", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint({ port: 1 })] });
    using client = adsClient({ port: started.port });
    client.request("endpoints", { resource_names: ["coding"] });
    const first = await client.next();
    client.request("endpoints", { resource_names: ["coding"], ...ack(first) });
    client.pause();
    // Far more than the windows of a connection hold.
    const many = (port: number) =>
      Array.from({ length: 2_000 }, (_, index) =>
        endpoint({ address: `10.0.${index >> 8}.${index & 255}`, port }),
      );
    const changes = 60;
    for (let port = 2; port <= changes; port++) {
      started.source.tell.changed(many(port));
      const { version } = started.plane.state?.publication ?? {};
      await vi.waitFor(() => expect(started.plane.state?.publication.version).not.toBe(version));
    }
    const sent = started.events.filter((event) => event === "sent endpoints").length;
    expect(sent).toBeLessThan(changes);
    client.resume();
    let last = await client.next();
    while (portsIn(last)[0] !== changes) last = await client.next();
    expect(portsIn(last)).toHaveLength(2_000);
  }, 20_000);

  test("serves any name that a role can have, so that a mistyped one fails instead of hanging", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint()] });
    using client = adsClient({ port: started.port });
    client.request("listener", { resource_names: ["codng"] });
    expect((await client.next()).resources).toHaveLength(1);
    client.request("endpoints", { resource_names: ["codng"] });
    const assignment = await client.next();
    expect([assignment.resources.length, portsIn(assignment)]).toEqual([1, []]);
  });

  test.each([
    ["a name", { resource_names: ["x".repeat(513)] }, { id: "test" }],
    ["a node's id", {}, { id: "x".repeat(513) }],
    ["a node's zone", {}, { id: "test", locality: { zone: "x".repeat(513) } }],
  ])("refuses %s that is too long", async (_, fields, node) => {
    await using started = await startControlPlane({ endpoints: [endpoint()] });
    using client = adsClient({ port: started.port, node });
    client.request("listener", fields);
    await expect(client.next()).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("forgets a client that has gone", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint()] });
    const client = adsClient({ port: started.port });
    client.request("listener", { resource_names: ["coding"] });
    await client.next();
    expect(started.clients.size).toBe(1);
    client[Symbol.dispose]();
    await vi.waitFor(() => expect(started.clients.size).toBe(0));
  });

  test("ignores a type that is not served, and goes on with the others", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint()] });
    using client = adsClient({ port: started.port });
    client.request("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", {
      resource_names: ["s"],
    });
    client.request("cluster", { resource_names: ["coding"] });
    expect((await client.next()).resources).toHaveLength(1);
    expect(started.events).toContain("not served");
  });

  test("refuses a client that does not say who it is, or that names too much", async () => {
    await using started = await startControlPlane();
    using nameless = adsClient({ port: started.port, node: undefined });
    nameless.request("listener", { resource_names: ["coding"] });
    await expect(nameless.next()).rejects.toThrow(/node\.id: is required/);
    using greedy = adsClient({ port: started.port });
    const resource_names = Array.from(
      { length: limits.discoveryNamesMax + 1 },
      (_, index) => `role-${index}`,
    );
    greedy.request("listener", { resource_names });
    await expect(greedy.next()).rejects.toThrow(/resource_names: names 10001 resources; at most 10000/);
  });
});

describe("a delta stream", () => {
  test("serves what is named, follows changes, and empties what has gone", async () => {
    await using started = await startControlPlane({ endpoints: [endpoint({ port: 7 })] });
    using client = adsClient({ port: started.port, method: "DeltaAggregatedResources" });
    client.request("endpoints", { resource_names_subscribe: ["coding"] });
    const first = await client.next();
    expect(first.resources).toHaveLength(1);
    client.request("endpoints", { response_nonce: first.nonce });
    await vi.waitFor(() => expect(started.events).toContain("acknowledged endpoints"));
    started.source.tell.changed([endpoint({ port: 8 })]);
    const second = await client.next();
    expect([second.resources.length, second.nonce === first.nonce]).toEqual([1, false]);
    expect(started.clients.list()[0]?.protocol).toBe("delta");
  });
});

/**
 * The faults of grpc-js-xds 1.14.1, each shown on a bare client first, and then what defeats it: the control plane's resources,
 * or the guards of our client. A fault that upstream mends fails here, and its guard can go.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { ServerCredentials, status } from "@grpc/grpc-js";
import { XdsServer } from "@grpc/grpc-js-xds";
import { validateBootstrapConfig } from "@grpc/grpc-js-xds/build/src/xds-bootstrap.js";
import { getSingletonXdsClient, XdsClient } from "@grpc/grpc-js-xds/build/src/xds-client.js";
import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { MeshClient, type MeshClientOptions } from "../../../../src/client/mesh-client.ts";
import { anyOf } from "../../../../src/discovery/build/values.ts";
import type { ResourceBody } from "../../../../src/discovery/snapshot.ts";
import { startControlPlane } from "../../../support/control-plane.ts";
import { errorOf } from "../../../support/mesh.ts";
import { freePort } from "../../../support/ports.ts";
import { startReplicas, type TestReplica } from "../replicas.ts";
import {
  bootstrapFor,
  faultFilter,
  RawClient,
  RawControlPlane,
  type Resources,
  resourcesOf,
  router,
} from "./raw.ts";

const control = await startControlPlane();

afterAll(() => control.close());
beforeEach(() => {
  control.plane.setPolicy("");
});

/** A bare client, and what tells it. */
async function bare(first?: Resources, server: object = {}) {
  const plane = await new RawControlPlane().start();
  onTestFinished(() => plane[Symbol.asyncDispose]());
  if (first) await plane.serve(first);
  const client = new RawClient(bootstrapFor(plane.port, server));
  onTestFinished(() => client[Symbol.dispose]());
  return { plane, client };
}

async function replicasOf(count: number): Promise<TestReplica[]> {
  const replicas = await startReplicas(count);
  onTestFinished(() => {
    for (const replica of replicas) replica.kill();
  });
  control.source.tell.changed(replicas.map((replica) => replica.endpoint()));
  return replicas;
}

/** The stream to the control plane is tried again after five seconds at most, and a call waits for it no longer than that. */
const patienceMs = 15_000;

/** A client of ours, of whom every one of `replicas` has heard. */
async function ours(replicas: readonly TestReplica[], options: MeshClientOptions = {}): Promise<MeshClient> {
  const mesh = new MeshClient({ controlPlanes: [`127.0.0.1:${control.port}`], role: "coding", ...options });
  onTestFinished(() => mesh.close());
  await vi.waitFor(async () => {
    const seen = new Set<string>();
    for (let call = 0; call < 10 * replicas.length; call++) seen.add((await mesh.get("coding.0")).workerId);
    expect([...seen].sort()).toEqual(replicas.map(({ port }) => String(port)).sort());
  }, patienceMs);
  return mesh;
}

describe("a resource that goes and comes back the same", () => {
  test("is not found again by a bare client, and is by one that keeps what is deleted", async () => {
    const [replica] = (await replicasOf(1)) as [TestReplica];
    const whole = resourcesOf([replica.port]);
    const answers: string[] = [];
    for (const features of [[], ["ignore_resource_deletion"]]) {
      const { plane, client } = await bare(whole, { server_features: features });
      expect(await client.call()).toBe(String(replica.port));
      await plane.serve({ ...whole, cluster: [] }, ["cluster"]);
      await plane.serve(whole, ["cluster"]);
      answers.push(await client.call());
    }
    expect(answers).toEqual(["code 14", String(replica.port)]);
  });

  test("is never taken by our control plane from who is subscribed to it", async () => {
    const replicas = await replicasOf(1);
    const mesh = await ours(replicas);
    control.source.tell.changed([]);
    await vi.waitFor(async () => expect((await errorOf(mesh.get("coding.0"))).code).toBe("UNAVAILABLE"));
    control.source.tell.changed(replicas.map((replica) => replica.endpoint()));
    await vi.waitFor(() => mesh.get("coding.0"), 5_000);
  });
});

const ejection = {
  interval: { seconds: "0", nanos: 100_000_000 },
  base_ejection_time: { seconds: "30" },
  max_ejection_time: { seconds: "30" },
  max_ejection_percent: { value: 50 },
  enforcing_success_rate: { value: 0 },
  success_rate_minimum_hosts: { value: 5 },
  success_rate_request_volume: { value: 100 },
  success_rate_stdev_factor: { value: 1_900 },
  failure_percentage_threshold: { value: 50 },
  failure_percentage_minimum_hosts: { value: 2 },
  failure_percentage_request_volume: { value: 5 },
};

describe("ejection that is added later", () => {
  /** Whether the bad one of two replicas still takes calls a while after `added` came over `first`. */
  async function isBadOneUsed(first: ResourceBody, added: ResourceBody): Promise<boolean> {
    const [bad, good] = (await replicasOf(2)) as [TestReplica, TestReplica];
    bad.conduct.code = status.INTERNAL;
    const ports = [bad.port, good.port];
    const { plane, client } = await bare(resourcesOf(ports, { cluster: first }));
    expect(await client.call()).not.toBe("code 14");
    await plane.serve(resourcesOf(ports, { cluster: added }), ["cluster"]);
    for (let call = 0; call < 40; call++) await client.call();
    await new Promise((resolve) => setTimeout(resolve, 250));
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.call()));
    return answers.includes("code 13");
  }

  test("is overlooked by a bare client, unless every field was there from the start", async () => {
    const on = { outlier_detection: { ...ejection, enforcing_failure_percentage: { value: 100 } } };
    const off = { outlier_detection: { ...ejection, enforcing_failure_percentage: { value: 0 } } };
    expect(await isBadOneUsed({}, on)).toBe(true);
    expect(await isBadOneUsed(off, on)).toBe(false);
  });

  test("of our policy takes effect", async () => {
    const [bad, good] = (await replicasOf(2)) as [TestReplica, TestReplica];
    const mesh = await ours([bad, good]);
    control.plane.setPolicy(
      "defaults: { outlierDetection: { intervalSeconds: 0.1, callsMin: 5 }, retries: { attemptsMax: 1 } }",
    );
    bad.conduct.code = status.INTERNAL;
    await vi.waitFor(async () => {
      const calls = Array.from({ length: 20 }, () => mesh.get("coding.0"));
      await Promise.all(calls);
    }, 5_000);
  });
});

describe("a listener that changes alone", () => {
  test("is overlooked by a bare client until its route changes too", async () => {
    const [replica] = (await replicasOf(1)) as [TestReplica];
    const { plane, client } = await bare(resourcesOf([replica.port]));
    expect(await client.call()).toBe(String(replica.port));
    await plane.serve(resourcesOf([replica.port], { filters: [faultFilter] }), ["listener"]);
    expect(await client.call()).toBe(String(replica.port));
    await plane.serve(resourcesOf([replica.port], { filters: [faultFilter], host: "other" }), ["route"]);
    expect(await client.call()).toBe("code 10");
  });

  test("is none of ours: faults are said in the route", async () => {
    const replicas = await replicasOf(1);
    const mesh = await ours(replicas);
    control.plane.setPolicy("defaults: { faults: { abort: { percent: 100, code: 14 } } }");
    await vi.waitFor(
      async () => expect((await errorOf(mesh.get("coding.0"))).code).toBe("UNAVAILABLE"),
      5_000,
    );
  });
});

describe("a stream that ends before its first answer", () => {
  /** Resources that have not come within 15 s are said not to exist; a test has less patience. */
  function hurryResourceTimers(): void {
    const real = globalThis.setTimeout;
    const spy = vi.spyOn(globalThis, "setTimeout");
    spy.mockImplementation(((act: () => void, ms?: number, ...rest: []) =>
      real(act, ms === 15_000 ? 1_500 : ms, ...rest)) as typeof setTimeout);
    onTestFinished(() => spy.mockRestore());
  }

  const pastTimers = () => new Promise((resolve) => setTimeout(resolve, 2_500));

  test("makes a bare client fail its calls later, although the next one brought all", async () => {
    hurryResourceTimers();
    const [replica] = (await replicasOf(1)) as [TestReplica];
    const { plane, client } = await bare();
    plane.streamsToEnd = 1;
    await plane.serve(resourcesOf([replica.port]));
    await vi.waitFor(async () => expect(await client.call()).toBe(String(replica.port)), 5_000);
    await pastTimers();
    expect(await client.call()).toBe("code 14");
  });

  test("costs our client nothing later", async () => {
    hurryResourceTimers();
    const replicas = await replicasOf(1);
    control.streamsToEnd.count = 1;
    const mesh = await ours(replicas);
    await pastTimers();
    await mesh.get("coding.0");
  });
});

describe("a control plane that was away for long", () => {
  interface Channel {
    readonly internalChannel: { readonly options: object };
  }
  interface ServerClient {
    readonly adsBackoff: { readonly maxDelay: number };
    readonly lrsBackoff: { readonly maxDelay: number };
    readonly adsClient: { getChannel(): Channel };
  }

  interface Servers {
    getOrCreateClient(authority: string): ServerClient;
  }

  function pausesOf({ adsBackoff, lrsBackoff, adsClient }: ServerClient) {
    const { options } = adsClient.getChannel().internalChannel as { options: Record<string, number> };
    const pauses = [adsBackoff.maxDelay, lrsBackoff.maxDelay, options["grpc.max_reconnect_backoff_ms"]];
    return { pauses, keepaliveMs: options["grpc.keepalive_time_ms"] };
  }

  test("is tried by a bare client again after two minutes, and by ours after five seconds", async () => {
    await ours(await replicasOf(1));
    const bareClient = new XdsClient(validateBootstrapConfig(bootstrapFor(1)));
    const [unguarded, guarded] = [bareClient, getSingletonXdsClient()].map((client) =>
      pausesOf((client as unknown as Servers).getOrCreateClient("old:")),
    );
    expect(unguarded).toEqual({ pauses: [120_000, 120_000, undefined], keepaliveMs: 300_000 });
    expect(guarded).toEqual({ pauses: [5_000, 5_000, 5_000], keepaliveMs: 20_000 });
  });
});

describe("what ends the process of a bare client", () => {
  async function endOf(resources: Resources): Promise<string> {
    await using plane = await new RawControlPlane().start();
    await plane.serve(resources);
    const script = new URL("crash.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [script, JSON.stringify(bootstrapFor(plane.port))]);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [code] = (await once(child, "close")) as [number];
    return code === 0 ? "" : stderr;
  }

  test("a success rate that lacks fields; our control plane publishes none", async () => {
    const [replica] = (await replicasOf(1)) as [TestReplica];
    const lacking = { outlier_detection: { interval: { seconds: "0", nanos: 100_000_000 } } };
    expect(await endOf(resourcesOf([replica.port]))).toBe("");
    expect(await endOf(resourcesOf([replica.port], { cluster: lacking }))).toContain("Reduce of empty array");
  });

  test("a route that forwards nothing; our control plane publishes none", async () => {
    const [replica] = (await replicasOf(1)) as [TestReplica];
    const route = { action: { non_forwarding_action: {} } };
    expect(await endOf(resourcesOf([replica.port], route))).toContain("TypeError");
  });
});

describe("retries", () => {
  /** How often a replica that is unavailable was called within 1.5 s; chance is made to wait nearly the whole pause. */
  async function attempts(retry_policy: object): Promise<number> {
    const spy = vi.spyOn(Math, "random").mockReturnValue(0.9);
    onTestFinished(() => spy.mockRestore());
    const [replica] = (await replicasOf(1)) as [TestReplica];
    replica.conduct.code = status.UNAVAILABLE;
    const action = { cluster: "it", retry_policy: { num_retries: { value: 1 }, ...retry_policy } };
    const { client } = await bare(resourcesOf([replica.port], { action }));
    await client.call(1_500);
    return replica.calls;
  }

  const second = { base_interval: { seconds: "1" } };
  const less = { base_interval: { nanos: 999_000_000 } };

  test("after a second come after ten in a bare client; ours are sooner than a second", async () => {
    expect(await attempts({ retry_on: "unavailable", retry_back_off: second })).toBe(1);
    expect(await attempts({ retry_on: "unavailable", retry_back_off: less })).toBe(2);
    const refusal = control.plane.setPolicy("defaults: { retries: { backoffMs: 1000 } }");
    expect(refusal?.message).toContain("backoffMs");
  });

  test("on a code after a space are none in a bare client; our control plane writes no space", async () => {
    expect(await attempts({ retry_on: "cancelled, unavailable", retry_back_off: less })).toBe(1);
    expect(await attempts({ retry_on: "cancelled,unavailable", retry_back_off: less })).toBe(2);
  });
});

describe("a limit of requests", () => {
  test("lets a burst of a bare client pass, and holds ours", async () => {
    const replicas = (await replicasOf(1)) as [TestReplica];
    const [replica] = replicas;
    replica.conduct.delayMs = 50;
    const breakers = { circuit_breakers: { thresholds: [{ max_requests: { value: 3 } }] } };
    const { client } = await bare(resourcesOf([replica.port], { cluster: breakers }));
    await client.call();
    const burst = await Promise.all(Array.from({ length: 10 }, () => client.call()));
    expect(burst.filter((answer) => answer === "code 14")).toHaveLength(0);

    const mesh = await ours(replicas);
    control.plane.setPolicy("defaults: { circuitBreaking: { requestsMax: 3 } }");
    await vi.waitFor(async () => {
      const calls = Array.from({ length: 10 }, () => mesh.get("coding.0"));
      const failed = (await Promise.allSettled(calls)).filter((call) => call.status === "rejected");
      expect(failed).toHaveLength(7);
      expect(String(failed[0]?.reason)).toContain("circuitBreaking.requestsMax");
    }, 5_000);
  });
});

describe("load reports", () => {
  const soon = { load_reporting_interval: { seconds: "0", nanos: 50_000_000 } };

  test("leave out the first cluster that is named; our control plane asks for all", async () => {
    const [replica] = (await replicasOf(1)) as [TestReplica];
    for (const [answer, named] of [
      [{ clusters: ["it"], ...soon }, false],
      [{ send_all_clusters: true, ...soon }, true],
    ] as const) {
      const { plane, client } = await bare(
        resourcesOf([replica.port], { cluster: { lrs_server: { self: {} } } }),
      );
      plane.loadAnswer = answer;
      for (let call = 0; call < 20; call++) {
        await client.call();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(plane.loads.some(({ cluster_name }) => cluster_name === "it")).toBe(named);
    }
  });
});

describe("a name that nobody serves", () => {
  test("hangs a bare client's call to its deadline, as does a host that does not match", async () => {
    const [replica] = (await replicasOf(1)) as [TestReplica];
    for (const resources of [
      { ...resourcesOf([replica.port]), listener: [] },
      resourcesOf([replica.port], { domains: ["other"] }),
    ]) {
      const { client } = await bare(resources);
      expect(await client.call(1_000)).toBe("code 4");
    }
  });

  test("fails our call at once, although its deadline is far", async () => {
    await replicasOf(1);
    const mesh = new MeshClient({ server: "xds:///nobody", controlPlanes: [`127.0.0.1:${control.port}`] });
    onTestFinished(() => mesh.close());
    const began = performance.now();
    expect((await errorOf(mesh.get("coding.0"))).reason).toBe("NO_HEALTHY_REPLICA");
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

describe("a server of grpc-js-xds", () => {
  test("listens on every address when it is told one; ours are plain servers, on theirs alone", async () => {
    const { plane } = await bare();
    const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    const routes = [{ match: { prefix: "" }, non_forwarding_action: {} }];
    const manager = anyOf(type, {
      route_config: { name: "it", virtual_hosts: [{ name: "it", domains: ["*"], routes }] },
      http_filters: [router],
    });
    const port = await freePort();
    const listener = {
      name: "it",
      address: { socket_address: { address: "127.0.0.1", port_value: port } },
      default_filter_chain: { filters: [{ name: "manager", typed_config: manager }] },
    };
    await plane.serve({ ...resourcesOf([]), listener: [listener] });
    const bootstrap = { ...bootstrapFor(plane.port), server_listener_resource_name_template: "it" };
    const server = new XdsServer({
      "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config": JSON.stringify(bootstrap),
    });
    onTestFinished(() => server.forceShutdown());
    await new Promise((resolve) =>
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), resolve),
    );
    expect(await isReached("127.0.0.2", port)).toBe(true);
    expect(await isReached("127.0.0.1", control.port)).toBe(true);
    expect(await isReached("127.0.0.2", control.port)).toBe(false);
  });
});

async function isReached(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

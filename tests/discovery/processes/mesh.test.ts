/**
 * Processes alone: replicas in one Redis, two control planes (`agentmesh serve --role discovery`) that share nothing else, and a
 * client under constant load, while each of them is killed, drained, added, slowed, made to fail, or told nonsense.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { MeshClient } from "../../../src/client/mesh-client.ts";
import type { InstanceRegistry } from "../../../src/fleet/instances.ts";
import { openRedisRegistry } from "../../../src/fleet/redis/registry.ts";
import { agentmesh, cleanUp, freshDirectory, startServe, type Up } from "../../cli/cli.ts";
import { freePort } from "../../support/ports.ts";
import { RedisServer } from "../../support/redis.ts";
import { ConstantLoad } from "./load.ts";
import { killReplicas, ReplicaProcess } from "./replicas.ts";

/** Replicas that are killed are told of for as long at most, and two seconds. */
const ttlMs = 1_500;
const policyFile = join(freshDirectory(), "policy.yaml");
const policy = "defaults: { outlierDetection: { intervalSeconds: 1, ejectionSeconds: 3, callsMin: 5 } }\n";

let redis: RedisServer;
let registry: InstanceRegistry;
const ports: number[] = [];
const planes: Up[] = [];
/** Of one control plane alone, each. */
const views: MeshClient[] = [];
let mesh: MeshClient;
const replicas: ReplicaProcess[] = [];

beforeAll(async () => {
  writeFileSync(policyFile, policy);
  redis = await RedisServer.start();
  registry = await openRedisRegistry({ url: redis.url });
  ports.push(await freePort(), await freePort());
  planes.push(...(await Promise.all([startPlane(0), startPlane(1)])));
  views.push(...ports.map((port) => new MeshClient({ server: `127.0.0.1:${port}` })));
  replicas.push(...(await Promise.all([startReplica(), startReplica(), startReplica()])));
  mesh = new MeshClient({ controlPlanes: ports.map((port) => `127.0.0.1:${port}`), role: "coding" });
});
afterAll(async () => {
  for (const client of [...views, mesh]) client?.close();
  await cleanUp();
  await killReplicas();
  await registry?.close();
  await redis?.stop();
});

function startPlane(place: number): Promise<Up> {
  const port = String(ports[place]);
  return startServe("discovery", ["--grpc-port", port, "--store", redis.url, "--policy", policyFile]);
}

function startReplica(): Promise<ReplicaProcess> {
  return ReplicaProcess.start({ redis: redis.url, ttlMs });
}

/** A load to which all of `some` answer, and nobody else. */
async function startLoad(some: readonly ReplicaProcess[] = replicas): Promise<ConstantLoad> {
  const load = new ConstantLoad(mesh);
  onTestFinished(() => load[Symbol.asyncDispose]());
  await reaches(load, some);
  load.failures();
  return load;
}

async function reaches(load: ConstantLoad, some: readonly ReplicaProcess[]): Promise<void> {
  await vi.waitFor(async () => {
    const names = [...(await load.shares(200)).keys()].sort();
    expect(names).toEqual(some.map(({ name }) => name).sort());
  }, 15_000);
}

/** Ports of the replicas that a control plane tells of. */
async function toldBy(view: MeshClient | undefined): Promise<number[]> {
  const { endpoints } = (await view?.discovery.get("coding")) ?? { endpoints: [] };
  return endpoints.map(({ port }) => port).sort();
}

describe("replicas", () => {
  test("that drain, and that are added, cost no call", async () => {
    const load = await startLoad();
    const added = await startReplica();
    await reaches(load, [...replicas, added]);
    const [leaving] = replicas.splice(0, 1, added) as [ReplicaProcess];
    expect(await leaving.end("SIGTERM")).toBe(0);
    await reaches(load, replicas);
    expect(load.failures()).toEqual([]);
  });

  test("that are killed cost what they had begun to answer at most, where calls may be repeated; and leave in time", async () => {
    const load = await startLoad();
    const victim = replicas.pop() as ReplicaProcess;
    await victim.end("SIGKILL");
    const killedMs = performance.now();
    await vi.waitFor(async () => expect(await toldBy(views[0])).not.toContain(victim.port), {
      timeout: 10_000,
      interval: 50,
    });
    expect(performance.now() - killedMs).toBeLessThan(ttlMs + 2_000);
    await reaches(load, replicas);
    // A call is not made again by gRPC once its answer has begun.
    const failures = load.failures();
    expect(failures.length).toBeLessThanOrEqual(1);
    expect(failures.filter((failure) => !failure.includes("ECONNRESET"))).toEqual([]);
    replicas.push(await startReplica());
    await reaches(load, replicas);
  });

  test("that are slow get less than half their share", async () => {
    const [slow] = replicas as [ReplicaProcess];
    await using load = await startLoad();
    await slow.conduct({ delayMs: 100 });
    await load.shares(300);
    const shares = await load.shares(2_000);
    await slow.conduct({});
    const all = [...shares.values()].reduce((sum, count) => sum + count, 0);
    expect(shares.get(slow.name) ?? 0).toBeLessThan(all / replicas.length / 2);
    expect(load.failures()).toEqual([]);
  });

  test("that fail are ejected within one interval and a second, and come back", async () => {
    const [failing] = replicas as [ReplicaProcess];
    await using load = await startLoad();
    await failing.conduct({ code: 13 });
    await pause(2_000);
    load.failures();
    const shares = await load.shares(400);
    expect(shares.size).toBe(replicas.length - 1);
    expect(load.failures()).toEqual([]);
    await failing.conduct({});
    await reaches(load, replicas);
  });

  test("that come and go two hundred times cost no call", async () => {
    const load = await startLoad();
    const [steady] = replicas as [ReplicaProcess];
    const instance = {
      ...{ id: "coding@flips", role: "coding", agentId: "", address: "127.0.0.1", port: await freePort() },
      ...{ version: "1", locality: { region: "", zone: "", subZone: "" }, weight: 1, labels: {}, startMs: 0 },
    };
    // Of a replica that is there by another address, so that calls which reach it are answered.
    const flipping = { ...instance, address: "127.0.0.2", port: steady.port };
    const isTold = async () => (await views[0]?.discovery.get("coding"))?.endpoints.length;
    for (let flip = 0; flip < 100; flip++) {
      await registry.register([{ instance: flipping, state: "SERVING", ttlMs: 60_000 }]);
      await pause(10);
      await registry.deregister([flipping.id]);
      await pause(10);
    }
    await vi.waitFor(async () => expect(await isTold()).toBe(replicas.length), 5_000);
    await reaches(load, replicas);
    expect(load.failures()).toEqual([]);
  });
});

describe("control planes", () => {
  test("that are killed, restarted, and gone altogether cost no call; what changed meanwhile is told when one is back", async () => {
    const load = await startLoad();
    // Clients turn to the other one.
    await planes[0]?.stop("SIGKILL");
    replicas.push(await startReplica());
    await reaches(load, replicas);
    // There is none: what was known goes on.
    await planes[1]?.stop("SIGKILL");
    const [leaving] = replicas.splice(0, 1) as [ReplicaProcess];
    expect(await leaving.end("SIGTERM")).toBe(0);
    await reaches(load, replicas);
    replicas.push(await startReplica());
    planes[0] = await startPlane(0);
    await reaches(load, replicas);
    planes[1] = await startPlane(1);
    expect(load.failures()).toEqual([]);
  });

  test("that are not there fail a command, and do not keep it", async () => {
    const ran = await agentmesh(["list", "--discovery", `127.0.0.1:${await freePort()}`]);
    expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining("no control plane has told of any")]);
  });

  test("tell the same, with nothing shared but the store", async () => {
    const all = replicas.map(({ port }) => port).sort();
    for (const view of views) await vi.waitFor(async () => expect(await toldBy(view)).toEqual(all), 5_000);
  });
});

describe("a policy", () => {
  test("that is refused from the start keeps a control plane from starting: the defaults may be what it forbids", async () => {
    const bad = join(freshDirectory(), "bad.yaml");
    writeFileSync(bad, "defaults: { locality: { prefers: zone } }\n");
    const args = ["--store", redis.url, "--grpc-port", "0", "--http-port", "0", "--metrics-port", "0"];
    const ran = await agentmesh([
      "serve",
      "--role",
      "discovery",
      "--policy",
      bad,
      "--health-port",
      "0",
      ...args,
    ]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("bad.yaml:1: defaults.locality");
  });

  test("is in force within a second; a bad one is refused with the reason, and costs no call", async () => {
    const load = await startLoad();
    const told = async () => views[0]?.discovery.get();
    const before = (await told())?.version;
    writeFileSync(policyFile, "defaults: { retries: { attemptsMax: 99 } }\n");
    const writtenMs = performance.now();
    await vi.waitFor(async () => expect((await told())?.policy?.error).toContain("attemptsMax"), {
      timeout: 5_000,
      interval: 20,
    });
    expect(performance.now() - writtenMs).toBeLessThan(1_000);
    expect((await told())?.version).toBe(before);
    writeFileSync(policyFile, `${policy}roles: { coding: { balancing: { policy: roundRobin } } }\n`);
    const mendedMs = performance.now();
    await vi.waitFor(async () => expect((await told())?.version).not.toBe(before), {
      timeout: 5_000,
      interval: 20,
    });
    expect(performance.now() - mendedMs).toBeLessThan(1_000);
    await reaches(load, replicas);
    expect(load.failures()).toEqual([]);
  });
});

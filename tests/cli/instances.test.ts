/** Instances of real processes that share a Redis: what is listed as they come, drain, and are killed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { InstanceState, ListInstancesResponse } from "../../gen/grpc/agentmesh/v1/agent.ts";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { columnsAt } from "../../src/cli/instance-table.ts";
import { colorsFor, table } from "../../src/cli/output.ts";
import { widthOf } from "../../src/cli/terminal-text.ts";
import type { InstanceRegistry } from "../../src/fleet/instances.ts";
import { openRedisRegistry } from "../../src/fleet/redis/registry.ts";
import { RedisServer } from "../support/redis.ts";
import { agentmesh, cleanUp, freshDirectory, startUp } from "./cli.ts";

const slowRole = join(import.meta.dirname, "slow-role.ts");
const directory = freshDirectory();
let redis: RedisServer;
let registry: InstanceRegistry;
beforeAll(async () => {
  redis = await RedisServer.start();
  registry = await openRedisRegistry({ url: redis.url });
});
afterAll(async () => {
  await cleanUp();
  await registry.close();
  await redis.stop();
});

/** The states of all instances of a process, each once; empty when they are gone. */
async function statesOf(pid: number | undefined): Promise<string[]> {
  const { instances } = await registry.list();
  const own = instances.filter(({ id }) => id.includes(`-${pid}-`));
  return [...new Set(own.map(({ state }) => state))];
}

describe("instances of processes", () => {
  it("are listed as they were told to be; drain before they leave; and leave in time when they are killed", async () => {
    const first = await startUp(["--store", redis.url, "--role-module", slowRole]);
    const file = join(directory, "end");
    const submit = ["submit", "slow", JSON.stringify({ until: file }), "--server", first.server];
    expect((await agentmesh(submit)).code).toBe(0);
    const second = await startUp([
      ...[
        "--store",
        redis.url,
        "--role-module",
        slowRole,
        "--advertise",
        "192.0.2.7",
        "--server-version",
        "9.9",
      ],
      ...[
        "--server-region",
        "eu",
        "--server-zone",
        "eu-1",
        "--server-sub-zone",
        "rack-7",
        "--server-weight",
        "5",
      ],
    ]);
    expect(await second.line(/registering/)).toMatch(/"address":"192.0.2.7","from":"server.advertise"/);
    expect(await first.line(/registering/)).toContain(`"registry":"${redis.url}"`);

    // Any server tells of both; the task runs in the first, which was alone.
    const { stdout } = await agentmesh(["instances", "slow", "--json", "--server", second.server]);
    const { instances } = JSON.parse(stdout);
    const [port] = Object.values(second.ready.grpc as Record<string, string>).slice(-1);
    expect(instances).toContainEqual(
      expect.objectContaining({
        ...{
          role: "slow",
          address: "192.0.2.7",
          port: Number(port?.split(":")[1]),
          version: "9.9",
          weight: 5,
        },
        ...{ locality: { region: "eu", zone: "eu-1", subZone: "rack-7" }, state: "INSTANCE_STATE_SERVING" },
      }),
    );
    expect(instances).toHaveLength(2);
    const busy = async () =>
      (await registry.list({ role: "slow" })).instances.map(({ load }) => load.tasksRunning);
    await expect.poll(busy, { timeout: 10_000 }).toContain(1);

    const stopped = first.stop();
    await expect.poll(() => statesOf(first.child.pid), { timeout: 5_000 }).toEqual(["DRAINING"]);
    const shown = await agentmesh(["instances", "--server", second.server]);
    expect(shown.stdout).toMatch(
      /^slow +127\.0\.0\.1:\d+ +DRAINING +\d+\.\ds +\d+\.\d+\.\d+ +- +1\/\d+ \d+%$/m,
    );
    expect(shown.stdout).toMatch(/^slow +192\.0\.2\.7:\d+ +SERVING +\d+\.\ds +9\.9 +eu-1 /m);
    expect(shown.stderr).toMatch(/^\d+ instances of \d+ drain$/m);
    writeFileSync(file, "");
    expect(await stopped).toBe(0);
    expect(await statesOf(first.child.pid)).toEqual([]);

    expect(await statesOf(second.child.pid)).toEqual(["SERVING"]);
    const began = performance.now();
    await second.stop("SIGKILL");
    await expect.poll(() => statesOf(second.child.pid), { timeout: 15_000, interval: 100 }).toEqual([]);
    expect(performance.now() - began).toBeLessThan(12_000);
  }, 90_000);

  it("are back soon after a Redis that was away for longer than they live, and the outage is logged once", async () => {
    const own = await RedisServer.start({ appendfsync: "always" });
    const up = await startUp(["--store", own.url]);
    await own.kill();
    expect(await up.line(/the registry of instances does not take/)).toContain('"level":"warn"');
    const awayMs = performance.now();
    await expect.poll(() => performance.now() - awayMs, { timeout: 15_000 }).toBeGreaterThan(10_000);
    await own.start();
    await up.line(/the registry of instances is back/);
    const seen = await openRedisRegistry({ url: own.url });
    const states = (await seen.list()).instances.map(({ role, state }) => `${role} ${state}`);
    await seen.close();
    expect(states).toEqual(
      ["discovery", "orchestrator", "security", "synthesis", "testing"].map((role) => `${role} SERVING`),
    );
    expect(up.log.filter((line) => line.includes("the registry of instances"))).toHaveLength(2);
    expect(await up.stop()).toBe(0);
    await own.stop();
  }, 60_000);

  it("of an embedded mesh are its own", async () => {
    const up = await startUp();
    const table = await agentmesh(["instances", "--server", up.server]);
    expect(table.code).toBe(0);
    const roles = table.stdout
      .split("\n")
      .slice(1)
      .map((line) => line.split(" ")[0]);
    expect(roles.filter(Boolean)).toEqual(["discovery", "orchestrator", "security", "synthesis", "testing"]);
    const none = await agentmesh(["instances", "other", "--server", up.server]);
    expect([none.code, none.stdout, none.stderr]).toEqual([0, "", "no instances\n"]);
    const wrong = await agentmesh(["instances", "NO", "--server", up.server]);
    expect(wrong.code).toBe(exitCodes.invalid.code);
    expect(await up.stop()).toBe(0);
  });

  it("cannot be told where no server is: one line says so, and the next the way out", async () => {
    const ran = await agentmesh(["instances", "--server", "127.0.0.1:1"]);
    expect([ran.code, ran.stdout]).toEqual([exitCodes.unavailable.code, ""]);
    expect(ran.stderr.split("\n")[0]).toBe("error: no server answers at 127.0.0.1:1");
    expect(ran.stderr).toContain("agentmesh up");
  });
});

test("the table fits 80 columns, however long names are", () => {
  const time = new Date(1_700_000_100_000);
  const instance = {
    role: "a-role-with-a-name-as-long-as-they-may-be-0123456",
    address: "2001:db8:1234:5678:9abc:def0:1234:5678",
    port: 65_535,
    state: InstanceState.DRAINING,
    version: "2026.11.27-rc1+build.12345",
    locality: { zone: "northamerica-northeast1-a" },
    load: { tasksRunning: 128, slots: 256, cpuUtilization: 12.34, memoryBytes: 1 },
    heartbeatTime: new Date(1_700_000_000_000),
  };
  const { instances } = ListInstancesResponse.fromPartial({
    instances: [instance, { role: "r", address: "10.0.0.1", port: 1 }],
  });
  const lines = table(columnsAt(time), instances, { width: 80, colors: colorsFor({ isTTY: false }) }).split(
    "\n",
  );
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(80);
  expect(lines[1]).toContain("DRAINING");
  expect(lines[1]).toContain("128/256 1234%");
  expect(lines[2]).toMatch(/^r +10\.0\.0\.1:1 +UNSPECIFIED +- +- +- +-$/);
});

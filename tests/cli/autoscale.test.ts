/** `up --autoscale` and `scale`: worker processes that come, work, are killed, drain and go. */
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { agentmesh, cleanUp, freshDirectory, startUp, type Up } from "./cli.ts";

const directory = freshDirectory();
/** KEDA's own names, with times that a test can wait for; the arithmetic's 15 s are its own. */
const policy = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: slow }
spec:
  scaleTargetRef: { name: slow }
  pollingInterval: 1
  cooldownPeriod: 2
  minReplicaCount: 0
  maxReplicaCount: 3
  advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } }
  triggers:
    - { type: external-push, metadata: { scalerAddress: "scaler:9090", role: slow, tasksPerReplica: "2" } }
`;

let up: Up;
let mesh: MeshClient;
beforeAll(async () => {
  writeFileSync(join(directory, "slow.yaml"), policy);
  up = await startUp([
    "--role-module",
    join(import.meta.dirname, "slow-role.ts"),
    "--autoscale",
    directory,
    "--concurrency",
    "2",
  ]);
  mesh = new MeshClient({ server: up.server });
});
afterAll(async () => {
  mesh?.close();
  await cleanUp();
});

const scaleOf = async () => (await mesh.scale(["slow"]))[0];

/** Processes that the mesh has started. */
function workers(): number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map(Number)
    .filter((pid) => {
      try {
        const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
        return (
          Number(parent) === up.child.pid &&
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("worker-process")
        );
      } catch {
        return false;
      }
    });
}

describe("a role's worker processes", () => {
  test("are none without work, one at the first task, and as many as its work asks for at the next look", async () => {
    expect(workers()).toEqual([]);
    const until = join(directory, "first");
    const tasks = await Promise.all([1, 2, 3, 4, 5, 6].map(() => mesh.submit("slow", { until })));
    await vi.waitFor(async () => expect((await scaleOf())?.ready).toBe(1), 10_000);
    await vi.waitFor(async () => expect(await scaleOf()).toMatchObject({ ready: 3, desired: 3 }), 25_000);
    expect(workers()).toHaveLength(3);
    writeFileSync(until, "");
    for (const { id } of tasks) expect(await mesh.result(id)).toEqual({ done: true });
  });

  test("are replaced when they are killed", async () => {
    await vi.waitFor(() => expect(workers()).toEqual([]), 30_000);
    const until = join(directory, "second");
    const { id } = await mesh.submit("slow", { until });
    await vi.waitFor(async () => expect(await scaleOf()).toMatchObject({ running: 1, ready: 1 }), 10_000);
    const [victim] = workers() as [number];
    process.kill(victim, "SIGKILL");
    await vi.waitFor(() => expect(workers().filter((pid) => pid !== victim)).toHaveLength(1), 10_000);
    await vi.waitFor(async () => expect((await scaleOf())?.ready).toBe(1), 10_000);
    await mesh.cancel(id);
  }, 60_000);

  test("that are one too many end what they run", async () => {
    const tasks = await Promise.all(
      Array.from({ length: 6 }, async (_, place) => {
        const until = join(directory, `task-${place}`);
        return { until, id: (await mesh.submit("slow", { until })).id };
      }),
    );
    const running = () => Promise.all(tasks.map(({ id }) => mesh.get(id)));
    await vi.waitFor(async () => expect((await scaleOf())?.running).toBe(6), 40_000);
    // Each of three has two; one of each ends, and two are enough for what is left: one that works is to go.
    const byWorker = Map.groupBy(await running(), ({ workerId }) => workerId);
    expect([...byWorker.values()].map((own) => own.length)).toEqual([2, 2, 2]);
    const untilOf = (id: string) => tasks.find((task) => task.id === id)?.until ?? "";
    for (const [first] of byWorker.values()) writeFileSync(untilOf(first?.id ?? ""), "");
    await vi.waitFor(async () => expect(await scaleOf()).toMatchObject({ replicas: 2, draining: 1 }), 40_000);
    await pause(1_000);
    expect(await scaleOf()).toMatchObject({ running: 3, draining: 1 });
    for (const { until } of tasks) writeFileSync(until, "");
    for (const { id } of tasks) expect(await mesh.result(id)).toEqual({ done: true });
    expect((await running()).map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1]);
    await vi.waitFor(async () => expect((await scaleOf())?.draining).toBe(0), 10_000);
    // Two looks of the HPA, 15 s apart, and what they start.
  }, 120_000);
});

describe("agentmesh scale", () => {
  test("prints a table of 80 columns, the sum behind a number, and JSON", async () => {
    const table = await agentmesh(["scale", "--server", up.server]);
    expect(table.stdout).toMatch(/^ROLE +QUEUED +SOON +RUNNING +OLDEST +WANT +HAVE +WHY/);
    expect(table.stdout).toMatch(/^slow /m);
    for (const line of table.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const sum = await agentmesh(["scale", "--explain", "slow", "--server", up.server]);
    expect(sum.stdout).toMatch(/\d+ queued \+ 0 scheduled soon \+ \d+ running = \d+/);
    expect(sum.stdout).toMatch(/÷ 2 a replica = /);
    const { roles } = JSON.parse(
      (await agentmesh(["scale", "slow", "--json", "--server", up.server])).stdout,
    );
    expect(roles).toMatchObject([{ role: "slow", driver: "local", maxReplicas: 3 }]);
  });

  test("names the known roles where it is asked for another", async () => {
    const ran = await agentmesh(["scale", "nobody", "--server", up.server]);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('there is no role "nobody"')]);
  });
});

test("a process that is to end without work does its work first, and ends", async () => {
  const until = join(directory, "job");
  const job = await startUp([
    ...["--role-module", join(import.meta.dirname, "slow-role.ts")],
    ...["--worker-idle-seconds-max", "1"],
  ]);
  const client = new MeshClient({ server: job.server });
  const { id } = await client.submit("slow", { until });
  await pause(2_000);
  expect(job.child.exitCode).toBeNull();
  writeFileSync(until, "");
  expect(await client.result(id)).toEqual({ done: true });
  client.close();
  const [code] = (await once(job.child, "exit")) as [number];
  expect(code).toBe(0);
});

test.each([
  [["--autoscale", "/nowhere"], /\/nowhere: cannot be read/],
  [["--bounds", "testing=0-4"], /--bounds are those of --autoscale/],
  [["--autoscale", "--bounds", "testing=4"], /--bounds testing=4: write it as testing=0-4/],
  [["--autoscale", "--bounds", "nobody=0-4"], /no ScaledObject is of "nobody"/],
] as const)("up %j cannot be meant", async (args, says) => {
  const ran = await agentmesh(["up", ...args]);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(says)]);
});

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkerHost } from "../../src/cli/worker-host.ts";
import type { MeshClient } from "../../src/client/mesh-client.ts";
import { loadConfig } from "../../src/core/config/load.ts";
import { silentLogger } from "../../src/core/log.ts";
import { gather, TestMesh } from "../support/mesh.ts";
import roles from "./fixtures/roles.ts";

const fixtures = join(import.meta.dirname, "fixtures");
let mesh: TestMesh;
let client: MeshClient;
const children: ChildProcess[] = [];

beforeEach(async () => {
  mesh = await TestMesh.start({ roles });
  client = mesh.client();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  await mesh.close();
});

/** A worker process, once it is connected. */
async function worker(): Promise<ChildProcess> {
  const child = fork(join(fixtures, "worker-process.ts"), [mesh.address], { execArgv: [] });
  children.push(child);
  await once(child, "message");
  return child;
}

/** Resolves when the task's handler has spoken. */
async function begun(id: string): Promise<void> {
  for await (const { event } of client.watch(id))
    if (event?.$case === "entry" && event.value.entry?.$case === "line") return;
}

/** The states that a task went through, RUNNING with its attempt. */
async function history(id: string): Promise<string[]> {
  const names = new Map(Object.entries(TaskState).map(([name, value]) => [value, name]));
  return (await gather(client.watch(id))).flatMap(({ event }) => {
    if (event?.$case !== "entry" || event.value.entry?.$case !== "state") return [];
    const { state, attempt } = event.value.entry.value;
    const name = names.get(state) ?? "";
    return [name === "RUNNING" ? `${name} ${attempt}` : name];
  });
}

describe("a worker process", () => {
  test("whose handler blocks its thread for three leases keeps its lease, and completes once", async () => {
    await worker();
    const { id } = await client.submit("blocks", { ms: 3_300 });
    expect(await client.result(id, { timeoutMs: 15_000 })).toEqual({ attempt: 1 });
    expect(await history(id)).toEqual(["QUEUED", "RUNNING 1", "SUCCEEDED"]);
  });

  test("that is killed loses its task to another within its lease and five seconds", async () => {
    const first = await worker();
    const { id } = await client.submit("waits", { ms: 60_000 });
    await begun(id);
    const second = await worker();
    const began = performance.now();
    first.kill("SIGKILL");
    expect(await client.result(id, { timeoutMs: 15_000 })).toEqual({ attempt: 2, pid: second.pid });
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(await history(id)).toEqual(["QUEUED", "RUNNING 1", "QUEUED", "RUNNING 2", "SUCCEEDED"]);
  });

  test("that is frozen past its lease comes back too late: one success, by the other", async () => {
    const frozen = await worker();
    const { id } = await client.submit("waits", { ms: 500 });
    await begun(id);
    frozen.kill("SIGSTOP");
    const other = await worker();
    expect(await client.result(id, { timeoutMs: 15_000 })).toEqual({ attempt: 2, pid: other.pid });
    const before = await client.get(id);
    frozen.kill("SIGCONT");
    // It works again, and what it had to say of its old task is refused.
    const ended = once(frozen, "exit");
    frozen.send("drain");
    await ended;
    expect(frozen.exitCode).toBe(0);
    expect(await client.get(id)).toEqual(before);
    expect((await history(id)).filter((state) => state === "SUCCEEDED")).toHaveLength(1);
  });

  test("ends by itself once it has drained", async () => {
    const child = await worker();
    const { id } = await client.submit("waits", { ms: 300 });
    await begun(id);
    const ended = once(child, "exit");
    child.send("drain");
    expect(await client.result(id)).toMatchObject({ attempt: 1 });
    await ended;
    expect(child.exitCode).toBe(0);
  });
});

describe("the thread of the handlers", () => {
  const host = () => {
    const { config } = loadConfig({
      env: {},
      cwd: mesh.dataDir,
      readFile: () => undefined,
      flags: { "roles.modules": [join(fixtures, "roles.ts")] as never },
    });
    return new WorkerHost({
      config: { ...config, log: { ...config.log, level: "error" } },
      roles: roles.map(({ name }) => name),
      address: mesh.address,
      version: "test",
      log: silentLogger,
    });
  };

  test.each(["exits", "throws-later"])(
    "is started again when a handler of %s ends it, and the task retried",
    async (name) => {
      const workers = host();
      const { id } = await client.submit(name);
      expect(await client.result(id, { timeoutMs: 20_000 })).toEqual({ attempt: 2 });
      await workers.drain(1_000);
    },
  );

  test("that is blocked stops neither the servers nor other workers, nor its own end", async () => {
    const workers = host();
    const { id } = await client.submit("blocks", { ms: 4_000 });
    await expect.poll(async () => (await client.get(id)).state, { timeout: 10_000 }).toBe(TaskState.RUNNING);
    const slowest = { ms: 0 };
    for (let calls = 0; calls < 50; calls++) {
      const began = performance.now();
      await client.queues();
      slowest.ms = Math.max(slowest.ms, performance.now() - began);
    }
    expect(slowest.ms).toBeLessThan(500);
    const began = performance.now();
    await workers.drain(100);
    expect(performance.now() - began).toBeLessThan(3_500);
  });
});

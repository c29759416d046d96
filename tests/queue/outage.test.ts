/** Redis away, and what a whole mesh of processes makes of it: `agentmesh serve`, a worker process, and a client. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { MeshError } from "../../src/core/errors.ts";
import { Member } from "../chaos/member.ts";
import { serverArgs } from "../chaos/mesh.ts";
import { roleNames } from "../chaos/workload.ts";
import { freePort } from "../support/ports.ts";
import { RedisServer } from "../support/redis.ts";

const { quick, slow } = roleNames;
/** As long as a store's call may take, and what a busy machine adds. */
const answerMsMax = 2_500;
const goOnMsMax = 5_000;

let directory: string;
let redis: RedisServer;
let server: Member;
let worker: Member;
let client: MeshClient;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "agentmesh-outage-"));
  mkdirSync(join(directory, "histories"));
  redis = await RedisServer.start({ appendfsync: "always" });
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  server = new Member({ kind: "server", name: "server", directory, args: () => serverArgs(port, redis.url) });
  const script = join(import.meta.dirname, "../chaos/processes/worker.ts");
  const history = join(directory, "histories/worker");
  worker = new Member({
    kind: "worker",
    name: "worker",
    directory,
    args: () => [script, "w", address, history],
  });
  client = new MeshClient({ server: address, timeoutMs: 10_000 });
  server.start();
  worker.start();
  await expect.poll(() => client.queues().then(() => "up", String), { timeout: 20_000 }).toBe("up");
});
afterEach(async () => {
  client.close();
  await worker.end();
  await server.end();
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
});

const input = (ms = 0) => ({ ms });

/** How a call ended, and how long that took. */
async function ended(call: Promise<unknown>): Promise<{ code: string; ms: number }> {
  const began = performance.now();
  const code = await call.then(
    () => "OK",
    (error: unknown) => (error instanceof MeshError ? error.code : String(error)),
  );
  return { code, ms: performance.now() - began };
}

/** Every kind of call that the store has a part in. */
const calls = (id: string, key: string): readonly Promise<unknown>[] => [
  client.submit(quick, input(), { idempotencyKey: key }),
  client.submitAll([{ role: quick, input: input() }]).then(([result]) => {
    if (result?.refusal) throw new MeshError("STORE_UNAVAILABLE", result.refusal.message);
  }),
  client.get(id),
  client.queues(),
  client.cancel(id),
  client.list({ role: quick }).next(),
];

/** The outcome of a submit that was not answered: exactly one of the two, and the same each time it is asked for. */
async function settles(key: string): Promise<void> {
  const first = await client.submit(quick, input(), { idempotencyKey: key });
  const second = await client.submit(quick, input(), { idempotencyKey: key });
  expect(second).toMatchObject({ id: first.id, existing: true });
}

/** The counts of a queue agree with the tasks that it lists, and none is left on its way. */
async function expectNothingHalfDone(): Promise<void> {
  for (const role of [quick, slow]) {
    const states: TaskState[] = [];
    for await (const task of client.list({ role, pageSize: 500 })) states.push(task.state);
    const [status] = await client.queues([role]);
    const of = (state: TaskState) => states.filter((one) => one === state).length;
    expect(status).toMatchObject({
      blocked: 0,
      scheduled: 0,
      queued: 0,
      running: 0,
      succeeded: of(TaskState.SUCCEEDED),
      failed: 0,
      canceled: of(TaskState.CANCELED),
    });
    expect(of(TaskState.SUCCEEDED) + of(TaskState.CANCELED)).toBe(states.length);
  }
}

describe.each([500, 4_000])("with Redis away for %i ms", (awayMs) => {
  test("calls are answered in time, nothing is half done, and the workers go on by themselves", async () => {
    const made = await client.submitAll([
      ...Array.from({ length: 300 }, () => ({ role: quick, input: input() })),
      ...Array.from({ length: 6 }, () => ({ role: slow, input: input(1_000), attemptsMax: 10 })),
    ]);
    const ids = made.map(({ taskId }) => taskId);
    await expect
      .poll(async () => (await client.queues([slow]))[0]?.running, { timeout: 10_000 })
      .toBeGreaterThan(0);
    const { id: canceled } = await client.submit(quick, input(), { delayMs: 600_000 });
    await redis.kill();
    const asked = calls(canceled, "in-the-outage").map(ended);
    await pause(awayMs);
    await redis.start();
    const back = performance.now();
    for (const { code, ms } of await Promise.all(asked)) {
      expect(ms).toBeLessThan(answerMsMax);
      // A store that is back within the time of a call answers it.
      expect(awayMs > answerMsMax ? ["UNAVAILABLE"] : ["UNAVAILABLE", "OK"]).toContain(code);
    }
    const call = () => client.submit(quick, input(), { idempotencyKey: "after" }).catch(() => undefined);
    await expect.poll(call, { timeout: goOnMsMax, interval: 50 }).toBeDefined();
    const { id } = await client.submit(quick, input(), { idempotencyKey: "after" });
    await client.result(id, { timeoutMs: goOnMsMax });
    expect(performance.now() - back).toBeLessThan(goOnMsMax);
    for (const one of ids)
      expect((await client.wait(one, { timeoutMs: 20_000 })).state).toBe(TaskState.SUCCEEDED);
    await settles("in-the-outage");
    await client.cancel(canceled);
    await expect.poll(async () => (await client.queues([quick]))[0]?.queued, { timeout: 10_000 }).toBe(0);
    await settles("after");
    await expectNothingHalfDone();
    expect([...server.surprises, ...worker.surprises]).toEqual([]);
  }, 90_000);
});

test("a flood of submits while Redis is away is refused, and held in bounded memory", async () => {
  const residentMb = () =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]) / 1_024;
  const batch = Array.from({ length: 200 }, () => ({
    role: quick,
    input: { ms: 0, note: "x".repeat(1_000) },
  }));
  await client.submitAll(batch);
  const before = residentMb();
  await redis.kill();
  const end = performance.now() + 5_000;
  let [refused, most] = [0, 0];
  const flood = async () => {
    while (performance.now() < end) {
      const { code, ms } = await ended(client.submitAll(batch));
      expect(code).toBe("UNAVAILABLE");
      // Beside a flood that keeps the one core of the server and of this client busy.
      expect(ms).toBeLessThan(2 * answerMsMax);
      refused += batch.length;
      most = Math.max(most, residentMb());
    }
  };
  await Promise.all(Array.from({ length: 32 }, flood));
  console.log(`${refused} refused; the server went from ${before.toFixed(0)} to ${most.toFixed(0)} MiB`);
  expect(refused).toBeGreaterThan(32 * batch.length);
  expect(most - before).toBeLessThan(400);
  await redis.start();
  await expect
    .poll(() => ended(client.submitAll(batch)).then(({ code }) => code), { timeout: goOnMsMax })
    .toBe("OK");
}, 90_000);

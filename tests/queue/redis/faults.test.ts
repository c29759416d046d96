/** What happens to the store when something happens to Redis. */
import { afterEach, describe, expect, test } from "vitest";
import type { NewTask, QueueStore } from "../../../src/queue/store.ts";
import { RedisServer, type RedisServerOptions } from "../../support/redis.ts";
import {
  bytes,
  finish,
  getOne,
  lease,
  leaseOne,
  newTask,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { audit } from "./audit.ts";
import { manyTasks, openAt, rejection } from "./kit.ts";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  cleanups.push(() => server.stop());
  return server;
}

async function open(server: RedisServer): Promise<QueueStore> {
  const store = await openAt(server.url);
  cleanups.push(() => store.close());
  return store;
}

/** Calls until one works; the store has to recover by itself. */
async function recovers(store: QueueStore): Promise<void> {
  await expect.poll(() => store.ping().then(() => "up", String), { timeout: 10_000 }).toBe("up");
}

test("a queue that an older version laid out is refused, and says what to do", async () => {
  const server = await serve();
  const client = server.client();
  await client.sadd("am:queues", "a", "b");
  await client.hset("am:{a}:q", { numbers: "…" });
  await client.hset("am:{b}:q", { number: "7" });
  const { reason, message } = await rejection(openAt(server.url));
  expect(reason).toBe("INVALID_CONFIG");
  expect(message).toContain('the queue "b"');
  expect(message).toContain("am:{b}:*");
  await client.del("am:{b}:q");
  client.disconnect();
  await open(server);
});

test("scripts that the server forgot are sent again", async () => {
  const server = await serve();
  const store = await open(server);
  await submitOne(store, newTask("a"));
  const client = server.client();
  await client.script("FLUSH");
  client.disconnect();
  const tasks = manyTasks("a", 250);
  expect((await store.submit(tasks)).every(({ status }) => status === "created")).toBe(true);
  expect(await lease(store, "a", { max: 300 })).toHaveLength(251);
});

test("after kill -9 with appendonly always, what was acknowledged is there and fences only grow", async () => {
  const server = await serve({ appendfsync: "always" });
  const store = await open(server);
  const acknowledged: string[] = [];
  let running = true;
  const writer = (async () => {
    while (running)
      try {
        for (const outcome of await store.submit(manyTasks("a", 20)))
          if (outcome.status === "created") acknowledged.push(outcome.id);
      } catch {
        running = false;
      }
  })();
  await expect.poll(() => acknowledged.length).toBeGreaterThan(200);
  const leased = await lease(store, "a", { max: 20 });
  const [done, held] = [leased.slice(0, 10), leased.slice(10)];
  await store.finish(done.map((task) => ({ ...term(task), result: succeeded })));
  await server.kill();
  await writer;
  await server.start();
  await recovers(store);

  const records = await store.get(acknowledged);
  expect(records.filter((record) => record === undefined)).toEqual([]);
  for (const task of done)
    expect(await getOne(store, task.id)).toMatchObject({ state: "SUCCEEDED", fence: 1 });
  for (const task of held) {
    expect((await finish(store, term(task), { kind: "released", reason: "" })).accepted).toBe(true);
  }
  const again = await lease(store, "a", { max: 10 });
  expect(again.map(({ id }) => id).sort()).toEqual(held.map(({ id }) => id).sort());
  expect(again.every(({ fence }) => fence === 2)).toBe(true);
  const client = server.client();
  expect(await audit(client, "am")).toEqual([]);
  client.disconnect();
});

describe("while Redis is away", () => {
  test("calls reject in time, and work again by themselves; listeners look again", async () => {
    const server = await serve({ appendfsync: "always" });
    const store = await open(server);
    const id = await submitOne(store, newTask("a"));
    await server.kill();
    const refused = [store.ping(), store.get([id]), store.submit([newTask("a")])].map(rejection);
    for (const { reason, ms } of await Promise.all(refused)) {
      expect(reason).toBe("STORE_UNAVAILABLE");
      expect(ms).toBeLessThan(2_500);
    }
    const heard: string[] = [];
    store.subscribe(({ queue, ready }) => ready && heard.push(queue));
    await server.start();
    await recovers(store);
    expect((await leaseOne(store, "a")).id).toBe(id);
    await expect.poll(() => heard, { timeout: 5_000 }).toContain("a");
    heard.splice(0);
    await submitOne(store, newTask("a"));
    await expect.poll(() => heard).toContain("a");
  });

  test("a server that hangs is given up in time, a call in flight when it dies at once", async () => {
    const server = await serve();
    const store = await open(server);
    server.pause();
    const { reason, ms } = await rejection(store.submit([newTask("a")]));
    expect(reason).toBe("STORE_UNAVAILABLE");
    expect(ms).toBeLessThan(2_500);
    const inFlight = rejection(lease(store, "a", { leaseMs: 1_000 }));
    await server.kill();
    expect(await inFlight).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect((await inFlight).ms).toBeLessThan(1_000);
  });

  test("opening says where it failed, without credentials", async () => {
    const server = await serve();
    const url = `redis://me:secret@127.0.0.1:${server.port}/2`;
    const wrong = await rejection(openAt(url));
    expect(wrong.reason).toBe("STORE_UNAVAILABLE");
    expect(wrong.message).toContain(`redis://127.0.0.1:${server.port}/2`);
    expect(wrong.message).toContain("WRONGPASS");
    expect(wrong.message).not.toContain("secret");
    await server.kill();
    const { reason, message, ms } = await rejection(openAt(server.url));
    expect(reason).toBe("STORE_UNAVAILABLE");
    expect(message).toContain("ECONNREFUSED");
    expect(ms).toBeLessThan(2_500);
    expect((await rejection(openAt("http://localhost"))).reason).toBe("INVALID_CONFIG");
  });
});

test("when memory is full, submits are refused whole and running tasks can end", async () => {
  const server = await serve({ settings: { maxmemory: "8mb", "maxmemory-policy": "noeviction" } });
  const store = await open(server);
  await store.submit(manyTasks("a", 20, { spec: bytes("s".repeat(1_000)) }));
  const running = await lease(store, "a", { max: 10 });
  const refusal = (tasks: readonly NewTask[]) =>
    store.submit(tasks).then(
      () => "",
      (error) => error.reason,
    );
  // Coarsely to the limit, then finely.
  for (const size of [100_000, 1_000])
    await expect
      .poll(() => refusal(manyTasks("b", 5, { spec: new Uint8Array(size) })), {
        interval: 0,
        timeout: 10_000,
      })
      .toBe("STORE_FULL");
  const before = (await store.stats(["a", "b"])).map(({ counts }) => counts);
  expect(await refusal(manyTasks("a", 50))).toBe("STORE_FULL");
  expect((await store.stats(["a", "b"])).map(({ counts }) => counts)).toEqual(before);

  const renewed = await store.renew(running.map((task) => ({ ...term(task), leaseMs: 60_000 })));
  expect(renewed.every(({ accepted }) => accepted)).toBe(true);
  const entries = [{ bytes: bytes("line") }];
  expect((await rejection(store.append([{ ...term(running[0]!), entries }]))).reason).toBe("STORE_FULL");
  const ended = await store.finish(running.map((task) => ({ ...term(task), result: succeeded })));
  expect(ended.every(({ accepted }) => accepted)).toBe(true);
  expect(await lease(store, "a", { max: 20 })).toHaveLength(10);
  expect((await store.cancel([{ taskId: running[0]!.id, reason: "" }]))[0]).toMatchObject({
    state: "SUCCEEDED",
  });
  const client = server.client();
  expect(await audit(client, "am")).toEqual([]);
  client.disconnect();
});

test("says what an acknowledgement means, and warns where it means little", async () => {
  const told = async (options: RedisServerOptions) => (await open(await serve(options))).describe();
  expect(await told({ appendfsync: "always" })).toEqual({
    kind: "redis",
    address: expect.stringContaining("redis://127.0.0.1:"),
    durability: expect.stringContaining("on the server's disk"),
    warning: undefined,
  });
  expect((await told({})).warning).toContain("Nothing is persisted");
  const evicting = { appendfsync: "everysec", settings: { "maxmemory-policy": "allkeys-lru" } } as const;
  expect((await told(evicting)).warning).toContain("noeviction");
  const forbidden = { settings: { "rename-command": "CONFIG none" } };
  expect((await told(forbidden)).durability).toContain("unknown");
});

/** The store on a server that Sentinels watch. */
import { afterEach, expect, test } from "vitest";
import type { QueueStore } from "../../../src/queue/store.ts";
import { RedisSentinel } from "../../support/redis-sentinel.ts";
import { leaseOne, newTask, submitOne } from "../../support/tasks.ts";
import { audit } from "./audit.ts";
import { manyTasks, openAt, rejection } from "./kit.ts";

const cleanups: (() => Promise<unknown>)[] = [];
/** Sentinels that find their machine slow sit still for half a minute. */
const patience = { timeout: 75_000 };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(url: string, replicas = { count: 0, timeoutMs: 500 }): Promise<QueueStore> {
  const store = await openAt(url, { replicas });
  cleanups.push(() => store.close());
  return store;
}

test("when the server dies the store goes on with its replica, which has what was acknowledged", {
  timeout: 120_000,
}, async () => {
  const redis = await RedisSentinel.start();
  cleanups.push(() => redis.stop());
  const careful = await open(redis.url, { count: 1, timeoutMs: 500 });
  const other = await open(redis.url);
  const described = await careful.describe();
  expect(described.address).toBe(redis.url);
  expect(described.durability).toContain("acknowledged when a replica had it");
  expect((await other.describe()).durability).toContain("a fail-over loses what the promoted replica");
  const heard: string[] = [];
  careful.subscribe(({ queue }) => heard.push(queue));

  const acknowledged: string[] = [];
  let running = true;
  const writer = (async () => {
    while (running)
      try {
        for (const outcome of await careful.submit(manyTasks("a", 5)))
          if (outcome.status === "created") acknowledged.push(outcome.id);
      } catch {
        running = false;
      }
  })();
  await expect.poll(() => acknowledged.length, patience).toBeGreaterThan(200);
  await redis.master.kill();
  await writer;
  await expect.poll(() => careful.ping().then(() => "up", String), patience).toBe("up");
  const records = await careful.get(acknowledged);
  expect(records.filter((record) => record === undefined)).toEqual([]);
  await submitOne(other, newTask("b"));
  expect((await leaseOne(other, "b")).fence).toBe(1);
  await expect.poll(() => heard, patience).toContain("b");
  // No replica is left to wait for, which is told as soon as the way to the new master is open.
  const refusal = async () => (await rejection(careful.submit([newTask("a")]))).message;
  await expect.poll(refusal, patience).toContain("0 of 1 replicas");
  const client = redis.replica.client();
  expect(await audit(client, "am")).toEqual([]);
  client.disconnect();
});

test("Sentinels that do not know the name, or are not there, are told of", async () => {
  const redis = await RedisSentinel.start();
  cleanups.push(() => redis.stop());
  const unknown = await rejection(openAt(redis.url.replace(/mesh$/, "other")));
  expect(unknown.reason).toBe("STORE_UNAVAILABLE");
  expect(unknown.message).toContain("/other");
  const away = await rejection(openAt("redis+sentinel://127.0.0.1:1/mesh"));
  expect(away.message).toContain("All sentinels are unreachable");
});

/** Who hears what happened, whatever connections are there. */
import { afterEach, expect, test } from "vitest";
import type { QueueStore } from "../../../src/queue/store.ts";
import { RedisServer, type RedisServerOptions } from "../../support/redis.ts";
import { newTask, submitOne } from "../../support/tasks.ts";
import { openAt } from "./kit.ts";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options?: RedisServerOptions) {
  const server = await RedisServer.start(options);
  const client = server.client();
  cleanups.push(async () => {
    client.disconnect();
    await server.stop();
  });
  return { server, client };
}

/** A store, and the tasks that it heard of. */
async function open(server: RedisServer): Promise<{ store: QueueStore; heard: string[] }> {
  const store = await openAt(server.url);
  cleanups.push(() => store.close());
  const heard: string[] = [];
  store.subscribe(({ changed }) => heard.push(...changed));
  return { store, heard };
}

type Client = Awaited<ReturnType<typeof serve>>["client"];

async function publishes(client: Client): Promise<number> {
  const stats = await client.info("commandstats");
  return Number(/^cmdstat_publish:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

test("a store that is alone spares the channel, and its listeners hear each task once", async () => {
  const { server, client } = await serve();
  const { store, heard } = await open(server);
  const id = await submitOne(store, newTask("a"));
  expect(heard).toEqual([id]);
  expect(await publishes(client)).toBe(0);
});

test("a store whose own subscription is away is heard by the other one and by its own listeners", async () => {
  const { server, client } = await serve();
  const { store, heard } = await open(server);
  const subscribers = String(await client.call("CLIENT", "LIST", "TYPE", "pubsub"));
  const other = await open(server);
  // Connections that are there stay; a new one is refused.
  await client.config("SET", "requirepass", "secret");
  await client.client("KILL", "ID", /\bid=(\d+)/.exec(subscribers)![1]!);
  await expect.poll(async () => (await client.pubsub("NUMSUB", "am:signals"))[1]).toBe(1);
  // The first ones may go out before the store has noticed the loss.
  await expect
    .poll(() => submitOne(store, newTask("a")).then(() => other.heard.length), { timeout: 5_000 })
    .toBeGreaterThan(0);
  const id = await submitOne(store, newTask("a"));
  await expect.poll(() => other.heard).toContain(id);
  expect(heard).toContain(id);
});

test("in a cluster, where each server counts its own subscribers alone, the channel is always used", async () => {
  const { server, client } = await serve({ settings: { "cluster-enabled": "yes" } });
  await client.cluster("ADDSLOTSRANGE", 0, 16_383);
  await expect.poll(() => client.cluster("INFO"), { timeout: 10_000 }).toContain("cluster_state:ok");
  const { store, heard } = await open(server);
  const id = await submitOne(store, newTask("a"));
  await expect.poll(() => heard).toEqual([id]);
  expect(await publishes(client)).toBe(1);
});

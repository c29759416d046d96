/** The store on a Redis Cluster of three masters with a replica each. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRedisStore } from "../../../src/queue/redis/store.ts";
import type { StoreLimits } from "../../../src/queue/store.ts";
import { storeContract } from "../../contract/store.ts";
import { RedisServer } from "../../support/redis.ts";
import { RedisCluster, slotOf } from "../../support/redis-cluster.ts";
import {
  getOne,
  lease,
  newTask,
  parent,
  runOne,
  stateOf,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { audit } from "./audit.ts";
import { limits, manyTasks, openAt, rejection } from "./kit.ts";

let cluster: RedisCluster;
let opened = 0;

beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());

storeContract(
  "a Redis Cluster",
  async (own: Partial<StoreLimits> = {}) => {
    opened += 1;
    const options = { url: cluster.url, prefix: `test${opened}`, limits: { ...limits, ...own } };
    const store = await openRedisStore(options);
    const handles = [store];
    return {
      store,
      async second() {
        const handle = await openRedisStore(options);
        handles.push(handle);
        return handle;
      },
      async close() {
        await Promise.all(handles.map((handle) => handle.close()));
      },
    };
  },
  { randomRuns: 40 },
);

/** The place of the master that has the queue. */
async function masterOf(queue: string): Promise<number> {
  const ranges = await cluster.client.cluster("SLOTS");
  const slot = slotOf(queue);
  const range = ranges.find(([first, last]) => first <= slot && slot <= last);
  return cluster.nodes.findIndex(({ port }) => port === range?.[2]?.[1]);
}

test("a task waits for parents whose queues are on other servers", async () => {
  const store = await openAt(cluster.url, { prefix: "dag" });
  const [left, right, below] = [0, 1, 2].map((master) => cluster.queueOn(master)) as [string, string, string];
  expect(await Promise.all([left, right, below].map(masterOf))).toEqual([0, 1, 2]);
  const parents = [newTask(left), newTask(right)];
  const child = newTask(below, { parents: parents.map(({ id }) => parent(id)) });
  const last = newTask(left, { parents: [parent(child.id)] });
  await store.submit([...parents, child, last]);
  await runOne(store, left, parents[0]!.id, succeeded);
  expect(await stateOf(store, child.id)).toBe("BLOCKED");
  await runOne(store, right, parents[1]!.id, succeeded);
  expect(await stateOf(store, child.id)).toBe("QUEUED");
  await runOne(store, below, child.id, succeeded);
  expect(await stateOf(store, last.id)).toBe("QUEUED");
  expect(await audit(cluster.client as never, "dag")).toEqual([]);
  await store.close();
});

test("the address of one node leads to the whole cluster", async () => {
  const { port } = cluster.nodes[1]!;
  const store = await openAt(`redis://127.0.0.1:${port}`, { prefix: "one" });
  expect((await store.describe()).address).toBe(`redis+cluster://127.0.0.1:${port}`);
  for (const master of [0, 1, 2]) {
    const id = await submitOne(store, newTask(cluster.queueOn(master)));
    expect(await getOne(store, id)).toMatchObject({ state: "QUEUED" });
  }
  await store.ping();
  await store.close();
});

test("scripts that a server forgot are sent again, to it", async () => {
  const store = await openAt(cluster.url, { prefix: "forgot" });
  await Promise.all(cluster.client.nodes("master").map((node) => node.script("FLUSH")));
  const tasks = [0, 1, 2].flatMap((master) => manyTasks(cluster.queueOn(master), 150));
  expect((await store.submit(tasks)).every(({ status }) => status === "created")).toBe(true);
  await store.close();
});

test("the weakest server says what an acknowledgement means", async () => {
  const store = await openAt(cluster.url);
  const node = cluster.nodes[2]!.client();
  try {
    expect((await store.describe()).durability).toContain("in memory only");
    for (const { port } of cluster.nodes) {
      const client = cluster.client.nodes().find(({ options }) => options.port === port);
      await client?.config("SET", "appendonly", "yes");
    }
    expect((await store.describe()).durability).toContain(
      "fsync everysec), on each of 3 masters; a fail-over",
    );
    await node.config("SET", "maxmemory-policy", "allkeys-lru", "appendfsync", "no");
    const told = await store.describe();
    expect(told.durability).toContain("fsync no), on the weakest of 3 masters");
    expect(told.warning).toContain("allkeys-lru");
  } finally {
    await node.config("SET", "maxmemory-policy", "noeviction", "appendfsync", "everysec");
    node.disconnect();
    await store.close();
  }
});

test("a cluster that cannot be opened says why, without credentials", async () => {
  const away = await rejection(openAt("redis+cluster://me:secret@127.0.0.1:1"));
  expect(away).toMatchObject({
    reason: "STORE_UNAVAILABLE",
    message: expect.stringContaining("ECONNREFUSED"),
  });
  expect(away.message).toContain("redis+cluster://127.0.0.1:1");
  expect(away.ms).toBeLessThan(3_000);
  const wrong = await rejection(openAt(cluster.url.replace("://", "://me:secret@")));
  expect(wrong).toMatchObject({ reason: "STORE_UNAVAILABLE", message: expect.stringContaining("WRONGPASS") });
  expect(away.message + wrong.message).not.toContain("secret");
});

test("a server that is no cluster is refused as one", async () => {
  const server = await RedisServer.start();
  const { reason, message } = await rejection(openAt(`redis+cluster://127.0.0.1:${server.port}`));
  expect(reason).toBe("INVALID_CONFIG");
  expect(message).toContain("write redis://");
  await server.stop();
});

test("a queue that moves to another server under load loses nothing and is served there", async () => {
  const prefix = "moves";
  const store = await openAt(cluster.url, { prefix });
  const [queue, other] = [cluster.queueOn(0, "mover"), cluster.queueOn(1, "stays")];
  await store.submit(manyTasks(queue, 2_000));
  const created: string[] = [];
  const ended: string[] = [];
  const refusals: string[] = [];
  let moved = false;
  /** Works until the move is over and the queue is served again. */
  const work = async (): Promise<void> => {
    for (let served = 0; served < 3; ) {
      try {
        const tasks = manyTasks(queue, 5);
        for (const outcome of await store.submit(tasks))
          if (outcome.status === "created") created.push(outcome.id);
        for (const task of await lease(store, queue, { max: 3 })) {
          const [outcome] = await store.finish([{ ...term(task), result: succeeded }]);
          if (outcome?.accepted) ended.push(task.id);
        }
        if (moved) served += 1;
      } catch (error) {
        refusals.push((error as { reason: string }).reason);
      }
      await submitOne(store, newTask(other));
    }
  };
  const working = work();
  await expect.poll(() => ended.length).toBeGreaterThan(20);
  await cluster.moveSlot(slotOf(queue), { from: 0, to: 1 });
  moved = true;
  await working;
  expect(await masterOf(queue)).toBe(1);
  const errors = await cluster.client
    .nodes()
    .find(({ options }) => options.port === cluster.nodes[0]!.port)
    ?.info("errorstats");
  expect(errors).toContain("errorstat_ASK");
  expect(errors).toContain("errorstat_MOVED");
  expect(refusals.filter((reason) => reason !== "STORE_UNAVAILABLE")).toEqual([]);
  const records = await store.get([...created, ...ended]);
  expect(records.filter((record) => record === undefined)).toEqual([]);
  for (const record of await store.get(ended)) expect(record?.state).toBe("SUCCEEDED");
  expect(await audit(cluster.client as never, prefix)).toEqual([]);
  await store.close();
});

/** What happens to the store when servers of a Redis Cluster die, and what waiting for replicas is worth then. */
import { afterEach, expect, test } from "vitest";
import type { QueueStore } from "../../../src/queue/store.ts";
import { RedisServer } from "../../support/redis.ts";
import { RedisCluster } from "../../support/redis-cluster.ts";
import {
  finish,
  getOne,
  lease,
  leaseOne,
  newTask,
  parent,
  runOne,
  stateOf,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { audit } from "./audit.ts";
import { manyTasks, type Opening, openAt, rejection } from "./kit.ts";

const cleanups: (() => Promise<unknown>)[] = [];
const replicas = { count: 1, timeoutMs: 900 };
/** A failover, on a machine that does much else. */
const patience = { timeout: 30_000 };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(): Promise<RedisCluster> {
  const cluster = await RedisCluster.start();
  cleanups.push(() => cluster.stop());
  return cluster;
}

async function open(url: string, opening?: Opening): Promise<QueueStore> {
  const store = await openAt(url, opening);
  cleanups.push(() => store.close());
  return store;
}

/** Submits to the queues by turns until stopped, whatever fails. */
function load(store: QueueStore, queues: readonly string[]) {
  const acknowledged: string[] = [];
  const refusals = new Set<string>();
  let running = true;
  const writer = async (queue: string) => {
    while (running)
      try {
        for (const outcome of await store.submit(manyTasks(queue, 5)))
          if (outcome.status === "created") acknowledged.push(outcome.id);
      } catch (error) {
        refusals.add((error as { reason: string }).reason);
      }
  };
  const writers = queues.map(writer);
  return {
    acknowledged,
    refusals,
    of: (queue: string) => acknowledged.filter((id) => id.startsWith(`${queue}.`)).length,
    async stop() {
      running = false;
      await Promise.all(writers);
    },
  };
}

async function missing(store: QueueStore, ids: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (let first = 0; first < ids.length; first += 1_000) {
    const slice = ids.slice(first, first + 1_000);
    const records = await store.get(slice);
    found.push(...slice.filter((_, at) => records[at] === undefined));
  }
  return found;
}

async function roleOf(server: RedisServer): Promise<string> {
  const client = server.client();
  try {
    return (/^role:(\w+)/m.exec(await client.info("replication")) ?? [])[1] ?? "";
  } finally {
    client.disconnect();
  }
}

test("a master dies under load: its replica goes on by itself, and what was acknowledged is there", async () => {
  const cluster = await serve();
  const store = await open(cluster.url, { replicas });
  const other = await open(cluster.url, { replicas });
  const queues = [0, 1, 2].map((master) => cluster.queueOn(master)) as [string, string, string];
  const [doomed] = queues;
  const heard: string[] = [];
  other.subscribe(({ queue }) => heard.push(queue));
  const held = await submitOne(store, newTask(doomed)).then(() => leaseOne(store, doomed));
  const loaded = load(store, queues);
  await expect.poll(() => queues.map((queue) => loaded.of(queue)).every((count) => count > 100)).toBe(true);

  await cluster.nodes[0]!.kill();
  await expect.poll(() => roleOf(cluster.nodes[3]!), patience).toBe("master");
  const before = loaded.of(doomed);
  // It comes back as the replica of the one that took its place: until then there is none to wait for.
  await cluster.nodes[0]!.start();
  await expect.poll(() => loaded.of(doomed), patience).toBeGreaterThan(before + 100);
  await loaded.stop();

  expect([...loaded.refusals]).toEqual(["STORE_UNAVAILABLE"]);
  expect(await missing(store, loaded.acknowledged)).toEqual([]);
  expect((await finish(store, term(held), succeeded)).accepted).toBe(true);
  expect((await finish(other, term(held), succeeded)).accepted).toBe(true);
  await store.ping();
  await store.sweep();
  heard.splice(0);
  await submitOne(store, newTask(doomed));
  await expect.poll(() => heard).toContain(doomed);
  expect(await audit(cluster.client as never, "am")).toEqual([]);
}, 90_000);

test("what a replica had not got is lost with its master, and was not acknowledged to who waits for replicas", async () => {
  const cluster = await serve();
  const hasty = await open(cluster.url);
  const careful = await open(cluster.url, { replicas });
  const queue = cluster.queueOn(0);
  const kept = await submitOne(careful, newTask(queue));
  const mother = newTask(cluster.queueOn(1));
  const child = newTask(queue, { parents: [parent(mother.id)] });
  await careful.submit([mother, child]);
  const master = cluster.nodes[0]!.client();
  // Connections that are there stay; the replica cannot make a new one.
  await master.config("SET", "requirepass", "secret");
  await master.call("CLIENT", "KILL", "TYPE", "replica");
  const lost = await submitOne(hasty, newTask(queue));
  await runOne(hasty, mother.queue, mother.id, succeeded);
  expect(await stateOf(hasty, child.id)).toBe("QUEUED");
  const { reason, message, ms } = await rejection(careful.submit([newTask(queue)]));
  expect(reason).toBe("STORE_UNAVAILABLE");
  expect(message).toContain("0 of 1 replicas");
  expect(ms).toBeLessThan(2_500);
  expect((await careful.describe()).warning).toContain("no write is acknowledged there");
  expect(await getOne(careful, kept)).toMatchObject({ state: "QUEUED" });
  master.disconnect();

  await cluster.nodes[0]!.kill();
  await expect.poll(() => roleOf(cluster.nodes[3]!), patience).toBe("master");
  const found = () => hasty.get([kept, lost]).then((records) => records.map((one) => one?.state), String);
  await expect.poll(found, patience).toEqual(["QUEUED", undefined]);
  // Its parent's server knows that the child was told, the child's does not.
  await hasty.sweep();
  expect(await stateOf(hasty, child.id)).toBe("BLOCKED");
  await hasty.cancel([{ taskId: child.id, reason: "" }]);
  await hasty.retry([{ taskId: child.id }]);
  expect(await stateOf(hasty, child.id)).toBe("QUEUED");
}, 90_000);

test("a server that hangs holds up its own queues alone, and is replaced", async () => {
  const cluster = await serve();
  const store = await open(cluster.url);
  const [hung, fine] = [cluster.queueOn(0), cluster.queueOn(1)];
  await submitOne(store, newTask(hung));
  await submitOne(store, newTask(fine));
  cluster.nodes[0]!.pause();
  const refused = rejection(store.submit([newTask(hung)]));
  const began = performance.now();
  await submitOne(store, newTask(fine));
  expect(performance.now() - began).toBeLessThan(1_900);
  expect(await refused).toMatchObject({ reason: "STORE_UNAVAILABLE" });
  expect((await refused).ms).toBeLessThan(4_500);
  const works = () => store.submit([newTask(hung)]).then(([outcome]) => outcome?.status, String);
  await expect.poll(works, patience).toBe("created");
  cluster.nodes[0]!.resume();
  await expect.poll(() => roleOf(cluster.nodes[0]!), patience).toBe("slave");
  await expect.poll(works, patience).toBe("created");
}, 90_000);

test("a cluster that was away as a whole is found again", async () => {
  const cluster = await RedisCluster.start({ appendfsync: "always" });
  cleanups.push(() => cluster.stop());
  const store = await open(cluster.url);
  const queues = [0, 1, 2].map((master) => cluster.queueOn(master));
  const ids = await Promise.all(queues.map((queue) => submitOne(store, newTask(queue))));
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  const refused = await rejection(store.submit([newTask(queues[0]!)]));
  expect(refused.reason).toBe("STORE_UNAVAILABLE");
  expect(refused.ms).toBeLessThan(3_000);
  await Promise.all(cluster.nodes.map((node) => node.start()));
  const states = () => store.get(ids).then((records) => records.map((one) => one?.state), String);
  await expect.poll(states, patience).toEqual(["QUEUED", "QUEUED", "QUEUED"]);
  await expect.poll(() => store.ping().then(() => "up", String), patience).toBe("up");
  await expect.poll(() => store.submit([newTask(queues[2]!)]).then(() => "up", String), patience).toBe("up");
}, 90_000);

test("who hears signals by a server that dies hears them by another", async () => {
  const cluster = await serve();
  const [store, other] = [await open(cluster.url), await open(cluster.url)];
  const heard: string[] = [];
  other.subscribe(({ queue }) => heard.push(queue));
  // Replicas may be the ones that signals are heard by; then a queue of any master does.
  const subscribed = await Promise.all(
    cluster.nodes.map(async (node) => {
      const client = node.client();
      const [, count] = (await client.pubsub("NUMSUB", "am:signals")) as [string, number];
      client.disconnect();
      return count;
    }),
  );
  expect(subscribed.reduce((sum, count) => sum + count, 0)).toBe(2);
  const deaf = cluster.nodes.filter((_, at) => subscribed[at]! > 0);
  await deaf[0]!.kill();
  const queue = cluster.queueOn(deaf[0] === cluster.nodes[1] ? 2 : 1);
  await expect
    .poll(
      () =>
        store
          .submit([newTask(queue)])
          .then(() => lease(store, queue, { max: 1 }))
          .then(() => heard, String),
      patience,
    )
    .toContain(queue);
}, 90_000);

test("replicas that are missing are told of, and one WAIT serves all calls of a turn", async () => {
  const server = await RedisServer.start();
  cleanups.push(() => server.stop());
  const replica = await RedisServer.start({ settings: { replicaof: `127.0.0.1 ${server.port}` } });
  cleanups.push(() => replica.stop());
  const client = server.client();
  const follower = replica.client();
  await expect.poll(() => follower.info("replication"), patience).toContain("master_link_status:up");
  follower.disconnect();
  const store = await open(server.url, { replicas });
  const calls = async (command: string) =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await client.info("commandstats"))?.[1] ?? 0);
  await submitOne(store, newTask("a"));
  const before = { wait: await calls("wait"), fcall: await calls("fcall") };
  await store.submit(manyTasks("a", 900));
  expect((await calls("fcall")) - before.fcall).toBe(9);
  expect((await calls("wait")) - before.wait).toBe(1);
  expect((await store.describe()).durability).toContain("acknowledged when a replica had it");
  await replica.kill();
  const alone = await open(server.url, { replicas: { count: 2, timeoutMs: 100 } });
  const { reason, message } = await rejection(alone.submit([newTask("a")]));
  expect(reason).toBe("STORE_UNAVAILABLE");
  expect(message).toMatch(/of 2 replicas .* within 100 ms: whether it stays is unknown/);
  client.disconnect();
}, 60_000);

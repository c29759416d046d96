/** Effects between queues survive crashes before and after their delivery (I9). */
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisServer } from "../../support/redis.ts";
import { failedForGood, getOne, newTask, parent, runOne, stateOf, succeeded } from "../../support/tasks.ts";
import { audit } from "./audit.ts";
import { openAt } from "./kit.ts";

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  client = server.client();
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

const outboxes = (prefix: string) => ({
  a: `${prefix}:{a}:O`,
  b: `${prefix}:{b}:O`,
});

test("a crash before delivery: another server's sweep delivers", async () => {
  const prefix = "before";
  const crashed = await openAt(server.url, { prefix, deliversAtOnce: false });
  const mother = newTask("a");
  const child = newTask("b", { parents: [parent(mother.id)] });
  const lost = newTask("b", { parents: [parent(child.id)] });
  await crashed.submit([mother, child, lost]);
  await runOne(crashed, "a", mother.id, failedForGood);
  await crashed.close();
  expect(await client.zcard(outboxes(prefix).b)).toBe(2);

  const other = await openAt(server.url, { prefix });
  expect(await stateOf(other, child.id)).toBe("BLOCKED");
  expect((await other.sweep()).delivered).toBe(2);
  expect(await getOne(other, child.id)).toMatchObject({ state: "FAILED", error: { kind: "PARENT_FAILED" } });
  expect(await getOne(other, lost.id)).toMatchObject({ state: "FAILED", error: { kind: "PARENT_FAILED" } });
  expect((await other.sweep()).delivered).toBe(0);
  expect(await audit(client, prefix)).toEqual([]);
  await other.close();
});

test("a crash between effect and acknowledgement: delivered again, nothing changes", async () => {
  const prefix = "between";
  const store = await openAt(server.url, { prefix, deliversAtOnce: false });
  const mother = newTask("a");
  const sister = newTask("a");
  const child = newTask("b", { parents: [parent(mother.id), parent(sister.id)] });
  await store.submit([mother, sister, child]);
  const again = async (key: string) => {
    const entries = await client.zrange(key, "0", "-1", "WITHSCORES");
    await store.sweep();
    for (let i = 0; i < entries.length; i += 2) await client.zadd(key, entries[i + 1]!, entries[i]!);
    expect((await store.sweep()).delivered).toBe(entries.length / 2);
    expect(await client.exists(key)).toBe(0);
  };
  await again(outboxes(prefix).b);
  expect(await getOne(store, child.id)).toMatchObject({ state: "BLOCKED", parentsPending: 2 });
  await runOne(store, "a", mother.id, succeeded);
  await again(outboxes(prefix).a);
  expect(await getOne(store, child.id)).toMatchObject({ state: "BLOCKED", parentsPending: 1 });
  await runOne(store, "a", sister.id, succeeded);
  await again(outboxes(prefix).a);
  expect(await getOne(store, child.id)).toMatchObject({ state: "QUEUED", lastSequence: 2 });
  await runOne(store, "b", child.id, succeeded);
  expect(await audit(client, prefix)).toEqual([]);
  await store.close();
});

test("a parent's bad end that a retry has undone fails nobody when it is delivered late", async () => {
  const prefix = "undone";
  const store = await openAt(server.url, { prefix, deliversAtOnce: false });
  const mother = newTask("a");
  const child = newTask("b", { parents: [parent(mother.id)] });
  await store.submit([mother, child]);
  await store.sweep();
  await runOne(store, "a", mother.id, failedForGood);
  await store.retry([{ taskId: mother.id }]);
  await store.sweep();
  expect(await stateOf(store, child.id)).toBe("BLOCKED");
  await runOne(store, "a", mother.id, succeeded);
  await store.sweep();
  expect(await stateOf(store, child.id)).toBe("QUEUED");
  await store.close();
});

test("two servers that deliver the same entries apply them once", async () => {
  const prefix = "twice";
  const [one, two] = [
    await openAt(server.url, { prefix, deliversAtOnce: false }),
    await openAt(server.url, { prefix, deliversAtOnce: false }),
  ];
  const mothers = Array.from({ length: 30 }, () => newTask("a"));
  const children = mothers.map(({ id }) => newTask("b", { parents: [parent(id), parent(mothers[0]!.id)] }));
  await one.submit([...mothers, ...children]);
  await Promise.all([one.sweep(), two.sweep()]);
  for (const mother of mothers) await runOne(one, "a", mother.id, succeeded);
  await Promise.all([one.sweep(), two.sweep(), one.sweep()]);
  expect((await one.stats(["b"]))[0]!.counts.QUEUED).toBe(30);
  expect(await audit(client, prefix)).toEqual([]);
  await Promise.all([one.close(), two.close()]);
});

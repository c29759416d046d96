/** Many at once, and how much memory a task takes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { uniqueId } from "../../../src/core/ids.ts";
import { RedisServer } from "../../support/redis.ts";
import { lease, newTask } from "../../support/tasks.ts";
import { limits, openAt } from "./kit.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

test("20 that lease at once on two handles never get one task twice", async () => {
  const handles = [
    await openAt(server.url, { prefix: "race" }),
    await openAt(server.url, { prefix: "race" }),
  ];
  const tasks = Array.from({ length: 3_000 }, (_, i) => newTask("a", { priority: i % 10 }));
  await handles[0]!.submit(tasks);
  const taken: string[] = [];
  const leaser = async (place: number) => {
    for (;;) {
      const got = await lease(handles[place % 2]!, "a", { max: 1 + (place % 7), workerId: `w${place}` });
      if (got.length === 0) return;
      taken.push(...got.map(({ id }) => id));
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, place) => leaser(place)));
  expect(taken).toHaveLength(3_000);
  expect(new Set(taken).size).toBe(3_000);
  await Promise.all(handles.map((handle) => handle.close()));
});

test("a queued task with a payload of 200 bytes takes less than 700 bytes", async () => {
  const store = await openAt(server.url, { prefix: "am", limits });
  const client = server.client();
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1]);
  const before = await used();
  const count = 20_000;
  for (let made = 0; made < count; made += 1_000) {
    const spec = new Uint8Array(240).fill(made % 251);
    const retry = { attemptsMax: 3, backoffInitialMs: 1_000, backoffMaxMs: 60_000, backoffMultiplier: 2 };
    const parts = { spec, retry: { ...retry, errorsNotRetried: [] } };
    await store.submit(
      Array.from({ length: 1_000 }, () =>
        newTask("testing", { ...parts, id: `testing.${uniqueId(Date.now())}` }),
      ),
    );
  }
  const each = ((await used()) - before) / count;
  console.log(`bytes of a queued task: ${each.toFixed(0)}`);
  expect(each).toBeLessThan(700);
  client.disconnect();
  await store.close();
});

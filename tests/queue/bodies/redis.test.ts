import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisBodies } from "../../../src/queue/bodies/redis.ts";
import { allNames, bodiesContract } from "../../contract/bodies.ts";
import { errorOf } from "../../support/mesh.ts";
import { RedisServer } from "../../support/redis.ts";

let server: RedisServer;
let opened = 0;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

bodiesContract("redis", async () => {
  opened += 1;
  const options = { url: server.url, prefix: `test${opened}` };
  const handles = [redisBodies(options)];
  return {
    bodies: handles[0] as ReturnType<typeof redisBodies>,
    second() {
      const handle = redisBodies(options);
      handles.push(handle);
      return handle;
    },
    async close() {
      for (const handle of handles) await handle.close();
    },
  };
});

test("nothing is left of bodies that were deleted, and a name without a body can be deleted", async () => {
  const bodies = redisBodies({ url: server.url, prefix: "left" });
  const client = server.client();
  await bodies.put("line.a.input.1", randomBytes(5));
  const [list = ""] = (await client.keys("left:*")).filter((key) => !key.endsWith("input.1"));
  await client.zadd(list, 0, "line.a.input.2");
  const names = await allNames(bodies);
  expect(names.sort()).toEqual(["line.a.input.1", "line.a.input.2"]);
  await bodies.delete(["line.a.input.1"]);
  await client.zrem(list, "line.a.input.2");
  expect(await client.keys("left:*")).toEqual([]);
  client.disconnect();
  await bodies.close();
});

test("a full Redis refuses with STORE_FULL, one that is away with STORE_UNAVAILABLE, and it comes back", async () => {
  const own = await RedisServer.start({ settings: { maxmemory: "8mb", "maxmemory-policy": "noeviction" } });
  const bodies = redisBodies({ url: own.url });
  try {
    await bodies.put("line.a.input.1", randomBytes(1_000));
    let reason = "";
    for (let count = 0; count < 20 && reason === ""; count++)
      await bodies.put(`line.b.input.${count}`, randomBytes(1_048_576)).catch((error) => {
        ({ reason } = error);
      });
    expect(reason).toBe("STORE_FULL");
    await own.kill();
    expect((await errorOf(bodies.get("line.a.input.1"))).reason).toBe("STORE_UNAVAILABLE");
    await own.start();
    await expect.poll(() => bodies.ping().then(() => "pong", String), { timeout: 10_000 }).toBe("pong");
  } finally {
    await bodies.close();
    await own.stop();
  }
});

/** The registry in Redis passes the contract's suite; and what only it can do: lose its server, and what it had. */
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openRedisRegistry } from "../../../src/fleet/redis/registry.ts";
import { idsIn, instancesContract, registrationOf } from "../../contract/instances.ts";
import { errorOf } from "../../support/mesh.ts";
import { RedisServer } from "../../support/redis.ts";

/** As long as a call may take, and what a busy machine adds. */
const answerMsMax = 2_500;

let server: RedisServer;
let client: Redis;
let places = 0;
beforeAll(async () => {
  server = await RedisServer.start();
  client = server.client();
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

/** Makes every instance older: the registry's clock is the server's own, which nobody moves. */
async function elapse(on: Redis, prefix: string, ms: number): Promise<void> {
  const key = `${prefix}:fleet:{instances}:x`;
  for (const id of await on.zrange(key, "0", "-1")) await on.zincrby(key, -ms, id);
}

describe("the registry in Redis", () => {
  instancesContract(async () => {
    const prefix = `am-${places++}`;
    const [registry, other] = await Promise.all([
      openRedisRegistry({ url: server.url, prefix }),
      openRedisRegistry({ url: server.url, prefix }),
    ]);
    return {
      registry,
      other,
      elapse: (ms) => elapse(client, prefix, ms),
      async close() {
        await registry.close();
        await other.close();
      },
    };
  });

  test("leaves nothing behind of instances that are gone but its epoch", async () => {
    const registry = await openRedisRegistry({ url: server.url, prefix: "gone" });
    onTestFinished(() => registry.close());
    await registry.register(["a", "b", "c"].map((id) => registrationOf(id)));
    await elapse(client, "gone", 10_000);
    await registry.heartbeat([{ id: "a" }]);
    expect(await client.keys("gone:*")).toEqual(["gone:fleet:{instances}:e"]);
  });

  test("hears within milliseconds what happens at another process, and a lapse with the next heartbeat", async () => {
    const own = { url: server.url, prefix: "hears" };
    const [one, two] = await Promise.all([openRedisRegistry(own), openRedisRegistry(own)]);
    onTestFinished(async () => {
      await one.close();
      await two.close();
    });
    let heard = 0;
    one.onChange(() => {
      heard += 1;
    });
    await expect.poll(() => two.register([registrationOf("a")]).then(() => heard)).toBeGreaterThan(0);
    await two.register([registrationOf("b", { ttlMs: 60_000 })]);
    await elapse(client, "hears", 10_000);
    const before = heard;
    await two.heartbeat([{ id: "b" }]);
    await expect.poll(() => heard).toBeGreaterThan(before);
    expect(await idsIn(one)).toEqual(["b"]);
  });
});

describe("a Redis that is away", () => {
  test("is told of within two seconds, whether it is killed or silent, and is found again", async () => {
    const lost = await RedisServer.start();
    const registry = await openRedisRegistry({ url: lost.url });
    onTestFinished(async () => {
      await registry.close();
      await lost.stop();
    });
    await registry.register([registrationOf("a")]);
    const { epoch } = await registry.list();
    for (const away of ["silent", "killed"] as const) {
      if (away === "killed") await lost.kill();
      else lost.pause();
      const calls = [
        () => registry.list(),
        () => registry.heartbeat([{ id: "a" }]),
        () => registry.register([registrationOf("a")]),
        () => registry.deregister(["a"]),
      ];
      await Promise.all(
        calls.map(async (call) => {
          const began = performance.now();
          expect((await errorOf(call())).reason).toBe("STORE_UNAVAILABLE");
          expect(performance.now() - began).toBeLessThan(answerMsMax);
        }),
      );
      if (away === "killed") await lost.start();
      else lost.resume();
      await expect
        .poll(() => registry.heartbeat([{ id: "a" }]).catch(String), { timeout: 5_000 })
        // What was sent to the silent server took effect late: that the outcome is unknown is what the error says.
        .toEqual([expect.stringMatching(/known/)]);
    }
    // Nothing was persisted: the memory is another, and says so.
    expect(await registry.heartbeat([{ id: "a" }])).toEqual(["unknown"]);
    expect((await registry.list()).epoch).toBe("");
    expect(await registry.register([registrationOf("a")])).toEqual(["registered"]);
    const { epoch: next, instances } = await registry.list();
    expect(instances).toHaveLength(1);
    expect(next).not.toBe(epoch);
  });

  test("is heard again: hints come after it is back", async () => {
    const lost = await RedisServer.start();
    const registry = await openRedisRegistry({ url: lost.url });
    onTestFinished(async () => {
      await registry.close();
      await lost.stop();
    });
    let heard = 0;
    registry.onChange(() => {
      heard += 1;
    });
    await lost.kill();
    await lost.start();
    const before = heard;
    // The subscription alone is a hint: what came meanwhile was missed.
    await expect.poll(() => heard, { timeout: 5_000 }).toBeGreaterThan(before);
  });

  test("from the beginning is refused with its address", async () => {
    const lost = await RedisServer.start();
    await lost.stop();
    const url = `redis://user:secret@127.0.0.1:${lost.port}`;
    const error = await errorOf(openRedisRegistry({ url }));
    expect(error).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(error.message).toContain(`redis://127.0.0.1:${lost.port}`);
    expect(error.message).not.toContain("secret");
  });

  test("and whose database is none is refused", async () => {
    const error = await errorOf(openRedisRegistry({ url: `${server.url}/99` }));
    expect(error).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(error.message).toContain("DB index is out of range");
  });

  test("that is full still takes heartbeats and deregistrations", async () => {
    const small = await RedisServer.start({ settings: { "maxmemory-policy": "noeviction" } });
    const registry = await openRedisRegistry({ url: small.url });
    onTestFinished(async () => {
      await registry.close();
      await small.stop();
    });
    await registry.register([registrationOf("a"), registrationOf("b")]);
    const own = small.client();
    await own.config("SET", "maxmemory", "1");
    own.disconnect();
    expect((await errorOf(registry.register([registrationOf("c")]))).reason).toBe("STORE_FULL");
    expect(await registry.heartbeat([{ id: "a", state: "DRAINING" }])).toEqual(["known"]);
    await registry.deregister(["b"]);
    expect(await idsIn(registry)).toEqual(["a"]);
  });
});

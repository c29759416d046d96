import type { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { openRedisStore } from "../../../src/queue/redis/store.ts";
import type { StoreLimits } from "../../../src/queue/store.ts";
import { storeContract } from "../../contract/store.ts";
import { RedisServer } from "../../support/redis.ts";
import { auditQueues } from "./audit.ts";
import { limits } from "./kit.ts";

let server: RedisServer;
let client: Redis;
let opened = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  client = server.client();
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

for (const deliversAtOnce of [true, false])
  storeContract(
    deliversAtOnce ? "redis" : "redis, effects left to the sweep",
    async (own: Partial<StoreLimits> = {}) => {
      opened += 1;
      const options = {
        url: server.url,
        prefix: `test${opened}`,
        limits: { ...limits, ...own },
        deliversAtOnce,
      };
      const store = await openRedisStore(options);
      const handles = [store];
      return {
        store,
        async second() {
          const handle = await openRedisStore(options);
          handles.push(handle);
          return handle;
        },
        faults: (queues) => auditQueues(client, options.prefix, queues),
        async close() {
          await Promise.all(handles.map((handle) => handle.close()));
        },
      };
    },
  );

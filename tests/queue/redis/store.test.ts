import type { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { openRedisStore } from "../../../src/queue/redis/store.ts";
import type { QueueStore, StoreLimits } from "../../../src/queue/store.ts";
import { MadeIds, withMadeIds } from "../../contract/made-ids.ts";
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

const variants = [
  { name: "redis", deliversAtOnce: true, makesIds: false },
  { name: "redis, effects left to the sweep", deliversAtOnce: false, makesIds: false },
  { name: "redis, ids made by the store", deliversAtOnce: true, makesIds: true },
];

for (const { name, deliversAtOnce, makesIds } of variants)
  storeContract(name, async (own: Partial<StoreLimits> = {}) => {
    opened += 1;
    const options = {
      url: server.url,
      prefix: `test${opened}`,
      limits: { ...limits, ...own },
      deliversAtOnce,
    };
    const ids = new MadeIds();
    const handles: QueueStore[] = [];
    const open = async () => {
      const handle = await openRedisStore(options);
      handles.push(handle);
      return makesIds ? withMadeIds(handle, ids) : handle;
    };
    return {
      store: await open(),
      second: open,
      faults: (queues) => auditQueues(client, options.prefix, queues),
      async close() {
        await Promise.all(handles.map((handle) => handle.close()));
      },
    };
  });

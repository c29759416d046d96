/** The store that the settings name. */
import type { Config } from "../core/config/settings.ts";
import { storeAddress } from "../core/config/store-url.ts";
import { limits } from "../core/limits.ts";
import type { QueueStore, StoreLimits } from "../queue/store.ts";

/** Throws STORE_IN_USE or STORE_UNAVAILABLE. Only the store that is used is loaded. */
export async function openStore(config: Config): Promise<QueueStore> {
  const storeLimits: StoreLimits = {
    queueTasksMax: config.queue.maxTasks,
    logEntriesMax: limits.logEntriesMax,
    retentionMs: config.queue.retentionHours * 3_600_000,
    retentionTasksMax: config.queue.retentionTasks,
  };
  const address = storeAddress(config.store.url, config.data.dir);
  if (address.kind === "redis") {
    const { openRedisStore } = await import("../queue/redis/store.ts");
    return openRedisStore({ url: address.url, limits: storeLimits });
  }
  const { openSqliteStore } = await import("../queue/sqlite/store.ts");
  return openSqliteStore({
    file: address.file,
    durability: config.sqlite.durability,
    limits: storeLimits,
  });
}

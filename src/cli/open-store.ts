/** The store that the settings name. */
import { statSync } from "node:fs";
import { dirname, isAbsolute, relative } from "node:path";
import type { Config } from "../core/config/settings.ts";
import { storeAddress } from "../core/config/store-url.ts";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { QueueStore, StoreLimits } from "../queue/store.ts";
import { UnopenedStore } from "./unopened-store.ts";
import { makeDirectory, type NamedBy } from "./usable-directory.ts";

/** Throws INVALID_CONFIG, STORE_IN_USE or STORE_UNAVAILABLE. Only the store that is used is loaded. */
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
    try {
      const replicas = { count: config.redis.waitReplicas, timeoutMs: config.redis.waitTimeoutMs };
      return await openRedisStore({ url: address.url, limits: storeLimits, replicas });
    } catch (error) {
      throw new UnopenedStore(MeshError.from(error));
    }
  }
  const directory = dirname(address.file);
  makeDirectory(directory, namedBy(directory, config.data.dir));
  if (statSync(address.file, { throwIfNoEntry: false })?.isDirectory())
    throw new MeshError(
      "INVALID_CONFIG",
      `store.url: ${address.file} is a directory; name a file with --store`,
    );
  const { openSqliteStore } = await import("../queue/sqlite/store.ts");
  return openSqliteStore({
    file: address.file,
    durability: config.sqlite.durability,
    limits: storeLimits,
  });
}

/** The setting that named the directory of the embedded store: `sqlite:/elsewhere/mesh.db` is not in `data.dir`. */
export function namedBy(directory: string, dataDir: string): NamedBy {
  const within = relative(dataDir, directory);
  if (within.startsWith("..") || isAbsolute(within)) return { setting: "store.url", flag: "--store" };
  return { setting: "data.dir", flag: "--data-dir" };
}

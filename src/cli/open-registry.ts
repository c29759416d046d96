/** The registry of instances that belongs to the store that the settings name. */
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import { storeAddress } from "../core/config/store-url.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";

/** Processes that share a store share its instances. Throws STORE_UNAVAILABLE. Only the registry that is used is loaded. */
export async function openRegistry(config: Config): Promise<InstanceRegistry> {
  const address = storeAddress(config.store.url, config.data.dir);
  if (address.kind === "redis") {
    const { openRedisRegistry } = await import("../fleet/redis/registry.ts");
    return openRedisRegistry({ url: address.url });
  }
  const { MemoryRegistry } = await import("../fleet/memory/registry.ts");
  return new MemoryRegistry(systemClock);
}

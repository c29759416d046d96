/** The registry on Redis Cluster, and behind Sentinels: a fail-over costs instances one registration at most. */
import { expect, onTestFinished, test } from "vitest";
import type { InstanceRegistry } from "../../../src/fleet/instances.ts";
import { openRedisRegistry } from "../../../src/fleet/redis/registry.ts";
import { idsIn, registrationOf } from "../../contract/instances.ts";
import { RedisCluster, slotOf } from "../../support/redis-cluster.ts";
import { RedisSentinel } from "../../support/redis-sentinel.ts";

/** Sentinels that find their machine slow sit still for half a minute. */
const patience = { timeout: 75_000 };

async function open(url: string): Promise<InstanceRegistry> {
  const registry = await openRedisRegistry({ url });
  onTestFinished(() => registry.close());
  return registry;
}

/** What an instance does: beats, and registers where it is unknown. Resolves when it is listed. */
async function comesBack(registry: InstanceRegistry, id: string): Promise<void> {
  const beat = async () => {
    const [outcome] = await registry.heartbeat([{ id }]);
    if (outcome === "unknown") await registry.register([registrationOf(id)]);
    return idsIn(registry);
  };
  await expect.poll(() => beat().catch(String), patience).toEqual([id]);
}

test("a cluster is found by the address of any node, hears hints anywhere, and lives through the loss of its master", async () => {
  const cluster = await RedisCluster.start();
  onTestFinished(() => cluster.stop());
  const registry = await open(cluster.url);
  const byNode = await open(`redis://127.0.0.1:${cluster.nodes[1]?.port}`);
  let heard = 0;
  byNode.onChange(() => {
    heard += 1;
  });
  await registry.register([registrationOf("a")]);
  await expect
    .poll(() => registry.register([registrationOf("a")]).then(() => heard), patience)
    .toBeGreaterThan(0);
  expect(await idsIn(byNode)).toEqual(["a"]);
  const owner = Math.floor((slotOf("instances") * 3) / 16_384);
  await cluster.nodes[owner]?.kill();
  await comesBack(registry, "a");
  await comesBack(byNode, "a");
  const before = heard;
  await expect
    .poll(
      () =>
        registry.register([registrationOf("a")]).then(
          () => heard,
          () => 0,
        ),
      patience,
    )
    .toBeGreaterThan(before);
}, 120_000);

test("Sentinels lead to the server that took over", async () => {
  const redis = await RedisSentinel.start();
  onTestFinished(() => redis.stop());
  const registry = await open(redis.url);
  await registry.register([registrationOf("a")]);
  await redis.master.kill();
  await comesBack(registry, "a");
  expect(registry.description).toBe(redis.url);
}, 120_000);

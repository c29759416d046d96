/** The source over a real registry, and over one that is taken away. */
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { Endpoint } from "../../../src/discovery/endpoint.ts";
import { RegistrySource } from "../../../src/discovery/sources/registry.ts";
import type { InstanceRegistry } from "../../../src/fleet/instances.ts";
import { MemoryRegistry } from "../../../src/fleet/memory/registry.ts";
import { openRedisRegistry } from "../../../src/fleet/redis/registry.ts";
import { registrationOf, specOf } from "../../contract/instances.ts";
import { RedisServer } from "../../support/redis.ts";

/** Longer than any test: only hints lead to a look. */
const never = 3_600_000;

/** Starts a source on a registry, and gathers what it tells. */
function watch(registry: InstanceRegistry, pollMs?: number) {
  const source = new RegistrySource({
    registry,
    clock: systemClock,
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  const told: (readonly Endpoint[])[] = [];
  const failures: Error[] = [];
  source.start({ changed: (endpoints) => told.push(endpoints), failed: (error) => failures.push(error) });
  onTestFinished(() => source.stop());
  const last = () => told.at(-1)?.map(({ id, health }) => `${id} ${health}`);
  return { source, told, failures, last };
}

describe("the source", () => {
  test("tells of the first list, be it empty, and by hints alone of every change, and of nothing else", async () => {
    const registry = new MemoryRegistry(systemClock);
    const { told, last, source } = watch(registry, never);
    await expect.poll(last).toEqual([]);
    await registry.register([registrationOf("a", { state: "STARTING" })]);
    await expect.poll(last).toEqual(["a UNHEALTHY"]);
    await registry.heartbeat([{ id: "a", state: "SERVING" }]);
    await expect.poll(last).toEqual(["a HEALTHY"]);
    await registry.heartbeat([{ id: "a", state: "DRAINING" }]);
    await expect.poll(last).toEqual(["a DRAINING"]);
    // Registered as it was: a hint, and no news.
    const instance = specOf("b", { port: 9_091 });
    await registry.register([registrationOf("a", { state: "DRAINING" })]);
    await registry.register([registrationOf("b", { instance })]);
    await expect.poll(last).toEqual(["a DRAINING", "b HEALTHY"]);
    await registry.deregister(["a"]);
    await expect.poll(last).toEqual(["b HEALTHY"]);
    expect(told).toHaveLength(6);
    expect(source.description).toBe("the registry in this process");
  });

  test("finds a dead instance gone within its time to live and two seconds, without a hint", async () => {
    const registry = new MemoryRegistry(systemClock);
    await registry.register([registrationOf("a", { ttlMs: 1_000 })]);
    const began = performance.now();
    const { last } = watch(registry);
    await expect.poll(last).toEqual(["a HEALTHY"]);
    await expect.poll(last, { timeout: 5_000 }).toEqual([]);
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test("is silent once it has stopped", async () => {
    const registry = new MemoryRegistry(systemClock);
    const { source, told, last } = watch(registry, 10);
    await expect.poll(last).toEqual([]);
    await source.stop();
    await registry.register([registrationOf("a")]);
    const other = watch(registry, never);
    await expect.poll(other.last).toEqual(["a HEALTHY"]);
    expect(told).toHaveLength(1);
  });
});

describe("a registry in a Redis that goes away", () => {
  let redis: RedisServer;
  let registry: InstanceRegistry;
  beforeEach(async () => {
    redis = await RedisServer.start();
    registry = await openRedisRegistry({ url: redis.url });
  });
  afterEach(async () => {
    await registry.close();
    await redis.stop();
  });

  test("is told of once, and what was known stays true, also while the emptied registry fills again", async () => {
    await registry.register([
      registrationOf("a"),
      registrationOf("b", { instance: specOf("b", { port: 1 }) }),
    ]);
    const { told, failures, last } = watch(registry, 100);
    await expect.poll(last, { timeout: 5_000 }).toEqual(["a HEALTHY", "b HEALTHY"]);
    await redis.kill();
    await expect.poll(() => failures.length, { timeout: 10_000 }).toBe(1);
    // Looks have failed meanwhile, all of them in the one outage.
    await expect
      .poll(() => registry.list().then(() => "", String), { timeout: 10_000 })
      .toContain("not available");
    // Nothing was persisted: it comes back without memory.
    await redis.start();
    await expect
      .poll(() => registry.heartbeat([{ id: "a" }]).catch(() => []), { timeout: 10_000 })
      .toEqual(["unknown"]);
    // That it is back is told although nothing has changed.
    await expect.poll(() => told.length, { timeout: 5_000 }).toBe(2);
    await registry.register([registrationOf("c", { instance: specOf("c", { port: 2 }) })]);
    await expect.poll(last, { timeout: 5_000 }).toEqual(["a HEALTHY", "b HEALTHY", "c HEALTHY"]);
    await registry.register([registrationOf("a")]);
    await redis.kill();
    await expect.poll(() => failures.length, { timeout: 10_000 }).toBe(2);
    expect(told).toHaveLength(3);
    expect(failures[0]).toMatchObject({ reason: "STORE_UNAVAILABLE" });
  });

  test("from the start is told of, and nothing else is before its list was read", async () => {
    await redis.kill();
    const { told, failures, last } = watch(registry, 100);
    await expect.poll(() => failures.length, { timeout: 10_000 }).toBe(1);
    expect(told).toEqual([]);
    await redis.start();
    await expect.poll(last, { timeout: 10_000 }).toEqual([]);
  });
});

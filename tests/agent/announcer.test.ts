/** What keeps instances in the registry, over a real one, and over one that fails when it is told to. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { Announcer } from "../../src/agent/announcer.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MeshError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import type { Logger } from "../../src/core/log.ts";
import type { InstanceBeat, InstanceRegistry, Registration } from "../../src/fleet/instances.ts";
import { MemoryRegistry } from "../../src/fleet/memory/registry.ts";
import { registrationOf, specOf } from "../contract/instances.ts";

const load = { tasksRunning: 1, slots: 4, cpuUtilization: 0.5, memoryBytes: 7 };

/** The registry in memory, with a switch that takes it away, and what it was asked. */
class Breakable extends MemoryRegistry {
  isAway = false;
  /** Calls wait for it. */
  gate: Promise<void> | undefined;
  readonly asked: string[] = [];

  constructor() {
    super(systemClock);
  }

  override async register(registrations: readonly Registration[]) {
    await this.#pass(`register ${registrations.map(({ instance, state }) => `${instance.id} ${state}`)}`);
    return super.register(registrations);
  }

  override async heartbeat(beats: readonly InstanceBeat[]) {
    await this.#pass(`beat ${beats.map(({ id, state }) => `${id} ${state}`)}`);
    return super.heartbeat(beats);
  }

  override async deregister(ids: readonly string[]) {
    await this.#pass(`deregister ${ids}`);
    return super.deregister(ids);
  }

  async #pass(what: string): Promise<void> {
    this.asked.push(what);
    await this.gate;
    if (this.isAway) throw new MeshError("STORE_UNAVAILABLE", "it was taken away");
  }
}

function logInto(lines: string[]): Logger {
  const line = (level: string) => (_: unknown, message: string) => lines.push(`${level}: ${message}`);
  const log: Logger = {
    ...{ debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
    child: () => log,
  };
  return log;
}

function announcer(registry: InstanceRegistry, { ttlMs = 300, ids = ["a", "b"] } = {}) {
  const lines: string[] = [];
  const instances = ids.map((id, nth) => specOf(id, { port: 9_090 + nth }));
  const made = new Announcer({ registry, instances, loadOf: () => load, log: logInto(lines), ttlMs });
  onTestFinished(() => made.end());
  return { announcer: made, lines };
}

const listed = async (registry: InstanceRegistry) =>
  (await registry.list()).instances.map(({ id, state }) => `${id} ${state}`);

describe("a process's instances", () => {
  test("are registered as SERVING, and live on by one heartbeat for all, with their load", async () => {
    const registry = new Breakable();
    const { announcer: made, lines } = announcer(registry);
    await made.start();
    expect(await listed(registry)).toEqual(["a SERVING", "b SERVING"]);
    await expect.poll(() => registry.asked.length, { timeout: 5_000 }).toBeGreaterThan(6);
    expect(registry.asked.slice(1).every((one) => one === "beat a SERVING,b SERVING")).toBe(true);
    expect((await registry.list()).instances).toMatchObject([{ load }, { load }]);
    expect(lines).toEqual([]);
  });

  test("drain at once and to the end, and are gone after it", async () => {
    const registry = new Breakable();
    const { announcer: made } = announcer(registry, { ttlMs: 10_000 });
    await made.start();
    await made.drain();
    expect(await listed(registry)).toEqual(["a DRAINING", "b DRAINING"]);
    await made.end();
    expect(await listed(registry)).toEqual([]);
    expect(registry.asked).toEqual([
      "register a SERVING,b SERVING",
      "beat a DRAINING,b DRAINING",
      "deregister a,b",
    ]);
  });

  test("that begin to drain while a heartbeat is under way are not called SERVING after it", async () => {
    const registry = new Breakable();
    const { announcer: made } = announcer(registry, { ids: ["a"] });
    await made.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    registry.gate = promise;
    await expect.poll(() => registry.asked.at(-1)).toBe("beat a SERVING");
    // Only the heartbeat that is under way is held: one that came after it would pass it.
    registry.gate = undefined;
    const drained = made.drain();
    await setImmediate();
    resolve();
    await drained;
    await setImmediate();
    expect(await listed(registry)).toEqual(["a DRAINING"]);
  });

  test("that the registry does not know any more are registered again, as they are, and they alone", async () => {
    const registry = new Breakable();
    const { announcer: made } = announcer(registry);
    await made.start();
    await made.drain();
    await registry.deregister(["b"]);
    await expect.poll(() => listed(registry)).toEqual(["a DRAINING", "b DRAINING"]);
    expect(registry.asked.filter((one) => one.startsWith("register"))).toEqual([
      "register a SERVING,b SERVING",
      "register b DRAINING",
    ]);
  });
});

describe("a registry that is away", () => {
  test("stops nothing: it is logged once, and what was not said is said when it is back", async () => {
    const registry = new Breakable();
    registry.isAway = true;
    const { announcer: made, lines } = announcer(registry);
    await made.start();
    await expect.poll(() => registry.asked.length).toBeGreaterThan(3);
    expect(lines).toEqual(["warn: the registry of instances does not take this process's; trying on"]);
    registry.isAway = false;
    await expect.poll(() => listed(registry)).toEqual(["a SERVING", "b SERVING"]);
    await expect.poll(() => lines.length).toBe(2);
    expect(lines[1]).toBe("info: the registry of instances is back");
  });

  test("or does not answer holds no end up for more than a second at each step", async () => {
    const registry = new Breakable();
    const { announcer: made } = announcer(registry);
    await made.start();
    registry.gate = new Promise(() => {});
    const began = performance.now();
    await made.drain();
    await made.end();
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test("for want of room is told of, and tried again", async () => {
    const registry = new Breakable();
    const others = Array.from({ length: limits.instancesMax - 1 }, (_, nth) => `i-${nth}`);
    await registry.register(others.map((id) => registrationOf(id)));
    const { announcer: made, lines } = announcer(registry);
    await made.start();
    expect(lines).toHaveLength(1);
    await registry.deregister(["i-0"]);
    await expect
      .poll(async () => (await listed(registry)).filter((one) => /^[ab] /.test(one)))
      .toEqual(["a SERVING", "b SERVING"]);
  });
});

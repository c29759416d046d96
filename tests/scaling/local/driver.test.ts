/** The laptop's scaler on a clock of the test's: what a cluster would do at the same times. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { silentLogger } from "../../../src/core/log.ts";
import { hpaRulesDefault } from "../../../src/scaling/hpa.ts";
import type { ScaledObjectSpec } from "../../../src/scaling/keda.ts";
import { idleLoad, type RoleLoad } from "../../../src/scaling/load.ts";
import { LocalScaler } from "../../../src/scaling/local/driver.ts";

const spec: ScaledObjectSpec = {
  minReplicas: 0,
  maxReplicas: 10,
  pollingMs: 30_000,
  cooldownMs: 60_000,
  initialCooldownMs: 0,
  fallback: { failureThreshold: 2, replicas: 3, behavior: "currentReplicasIfHigher" },
  behavior: hpaRulesDefault,
  isPushed: true,
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(parts: Partial<ScaledObjectSpec> = {}) {
  let load: RoleLoad | Error = idleLoad;
  const asked: number[] = [];
  let fails = false;
  let ready = (_: string) => {};
  const policies = new Map([
    ["coding", { spec: { ...spec, ...parts }, settings: { min: 0, max: 10, tasksPerReplica: 4 } }],
  ]);
  const scaler = new LocalScaler({
    policies,
    loads: {
      async of() {
        if (load instanceof Error) throw load;
        return load;
      },
    },
    activity: (listener) => {
      ready = listener;
      return () => {};
    },
    fleet: {
      scale(_, replicas) {
        if (fails) {
          fails = false;
          throw new Error("no process can be started");
        }
        asked.push(replicas);
      },
      counts: () => ({ ready: asked.at(-1) ?? 0, starting: 0, draining: 0 }),
    },
    clock: { now: () => Date.now() },
    log: silentLogger,
  });
  scaler.start();
  return {
    scaler,
    asked,
    failNext() {
      fails = true;
    },
    /** The work from now on; a push tells of it where there was none. */
    async work(next: Partial<RoleLoad> | Error, push = true) {
      load = next instanceof Error ? next : { ...idleLoad, ...next };
      if (push) ready("coding");
      await vi.advanceTimersByTimeAsync(0);
    },
    pass: (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000),
  };
}

describe("a role with none at least", () => {
  test("gets its first worker at the push, the others at the HPA's looks", async () => {
    const { asked, work, pass } = start();
    expect(asked).toEqual([0]);
    await work({ queued: 40 });
    expect(asked).toEqual([0, 1]);
    await pass(15);
    expect(asked).toEqual([0, 1, 5]);
    await pass(15);
    expect(asked).toEqual([0, 1, 5, 10]);
  });

  test("keeps those that work, and loses all when there was no work for the cooldown", async () => {
    const { asked, work, pass } = start();
    await work({ running: 8 });
    await pass(30);
    expect(asked.at(-1)).toBe(2);
    await pass(600);
    expect(asked.at(-1)).toBe(2);
    await work({});
    await pass(59);
    expect(asked.at(-1)).toBe(2);
    await pass(61);
    expect(asked.at(-1)).toBe(0);
  });

  test("is not pushed for where its trigger is polled alone", async () => {
    const { asked, work, pass } = start({ isPushed: false });
    await pass(0);
    await work({ queued: 40 });
    await pass(29);
    expect(asked).toEqual([0]);
    await pass(1);
    expect(asked.slice(0, 2)).toEqual([0, 1]);
  });

  test("goes on after a step that failed", async () => {
    const { asked, work, pass, failNext } = start();
    await pass(0);
    failNext();
    await work({ queued: 40 });
    await pass(15);
    expect(asked.at(-1)).toBe(5);
  });

  test("is told of work by a poll where no push came", async () => {
    const { asked, work, pass } = start();
    await pass(0);
    await work({ queued: 1 }, false);
    expect(asked.at(-1)).toBe(0);
    await pass(30);
    expect(asked.at(-1)).toBe(1);
  });
});

describe("an outage of the store", () => {
  test("takes nothing away, and is the fallback's in the end", async () => {
    const { scaler, asked, work, pass } = start({ minReplicas: 1 });
    await pass(1);
    await work(new Error("away"));
    await pass(59);
    expect(asked).toEqual([1]);
    expect(scaler.statusOf("coding")?.heldBy).toBe("its work is not known");
    await pass(60);
    expect(asked.at(-1)).toBe(3);
    await work({});
    await pass(30);
    expect(asked.at(-1)).toBe(3);
  });
});

test("the status says what there is and what holds it", async () => {
  const { scaler, work, pass } = start();
  await work({ queued: 40 });
  await pass(15);
  expect(scaler.statusOf("coding")).toEqual({
    replicas: 5,
    ready: 5,
    starting: 0,
    draining: 0,
    heldBy: "as fast as its policies allow",
  });
  expect(scaler.statusOf("others")).toBeUndefined();
});

test("stopped, it scales no more", async () => {
  const { scaler, asked, work, pass } = start();
  await scaler.stop();
  await work({ queued: 40 });
  await pass(120);
  expect(asked).toEqual([0]);
});

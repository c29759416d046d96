/** What every registry of instances keeps to. A registry's own test is the few lines that open it. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "../../src/core/limits.ts";
import {
  heartbeatIntervalMs,
  type InstanceRegistry,
  type InstanceSpec,
  type InstanceState,
  instanceStates,
  noLoad,
  type Registration,
} from "../../src/fleet/instances.ts";

/** A registry of a test's own, empty. */
export interface OpenRegistry {
  readonly registry: InstanceRegistry;
  /** Another handle of the same registry, as another process has it; the same one where there is only one process. */
  readonly other: InstanceRegistry;
  /** Lets the registry's clock go on by so many milliseconds, as far as instances can tell. */
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

export function specOf(id: string, parts: Partial<InstanceSpec> = {}): InstanceSpec {
  return {
    id,
    role: "testing",
    agentId: "",
    address: "10.0.0.1",
    port: 9_090,
    version: "1.0.0",
    locality: { region: "eu", zone: "eu-1", subZone: "" },
    weight: 1,
    labels: {},
    startMs: 1_700_000_000_000,
    ...parts,
  };
}

export function registrationOf(id: string, parts: Partial<Registration> = {}): Registration {
  return { instance: specOf(id), state: "SERVING", ttlMs: 10_000, ...parts };
}

/** The ids that a registry lists. */
export async function idsIn(registry: InstanceRegistry, role?: string): Promise<string[]> {
  const { instances } = await registry.list(role === undefined ? {} : { role });
  return instances.map(({ id }) => id);
}

export function instancesContract(open: () => Promise<OpenRegistry>): void {
  let opened: OpenRegistry;
  let registry: InstanceRegistry;
  beforeEach(async () => {
    opened = await open();
    registry = opened.registry;
  });
  afterEach(() => opened.close());

  describe("an instance", () => {
    test("that has registered is listed as it said, with the registry's time", async () => {
      const instance = specOf("a", {
        agentId: "agent-7",
        address: "2001:db8::7",
        port: 65_535,
        version: "2.0.0 (β)",
        weight: 1_000,
        labels: { gpu: "h100", "odd name": "a = b" },
      });
      expect(await registry.register([{ instance, state: "STARTING", ttlMs: 7_000 }])).toEqual([
        "registered",
      ]);
      const { instances, nowMs } = await opened.other.list();
      expect(instances).toEqual([
        { ...instance, state: "STARTING", load: noLoad, ttlMs: 7_000, heartbeatMs: expect.any(Number) },
      ]);
      expect(nowMs).toBeGreaterThanOrEqual(instances[0]?.heartbeatMs ?? Number.NaN);
      expect(nowMs - (instances[0]?.heartbeatMs ?? 0)).toBeLessThan(7_000);
    });

    test("keeps what a heartbeat does not name, and has what it names", async () => {
      await registry.register([registrationOf("a", { state: "STARTING" })]);
      const load = { tasksRunning: 3, slots: 8, cpuUtilization: 0.123456789, memoryBytes: 2 ** 40 };
      expect(await registry.heartbeat([{ id: "a", load }])).toEqual(["known"]);
      expect((await registry.list()).instances).toMatchObject([{ state: "STARTING", load }]);
      expect(await registry.heartbeat([{ id: "a", state: "SERVING" }])).toEqual(["known"]);
      expect((await registry.list()).instances).toMatchObject([{ state: "SERVING", load }]);
    });

    test("whose heartbeats come lives on, and is gone at the end of its time when they stop", async () => {
      await registry.register([registrationOf("a", { ttlMs: 10_000 })]);
      for (let beat = 0; beat < 5; beat++) {
        await opened.elapse(2 * heartbeatIntervalMs(10_000));
        expect(await registry.heartbeat([{ id: "a" }])).toEqual(["known"]);
      }
      await opened.elapse(9_000);
      expect(await idsIn(registry)).toEqual(["a"]);
      await opened.elapse(1_000);
      expect(await idsIn(registry)).toEqual([]);
      expect(await registry.heartbeat([{ id: "a", state: "SERVING" }])).toEqual(["unknown"]);
      expect(await idsIn(registry)).toEqual([]);
      await registry.register([registrationOf("a")]);
      expect(await registry.heartbeat([{ id: "a" }])).toEqual(["known"]);
    });

    test("takes the place of one of its id", async () => {
      const load = { ...noLoad, tasksRunning: 1 };
      await registry.register([registrationOf("a", { ttlMs: 3_600_000 })]);
      await registry.heartbeat([{ id: "a", state: "DRAINING", load }]);
      const instance = specOf("a", { role: "security", address: "10.0.0.2" });
      await registry.register([{ instance, state: "STARTING", ttlMs: 3_000 }]);
      const { instances } = await registry.list();
      expect(instances).toMatchObject([{ ...instance, state: "STARTING", load: noLoad, ttlMs: 3_000 }]);
      expect(instances).toHaveLength(1);
      expect(await idsIn(registry, "testing")).toEqual([]);
      await opened.elapse(3_000);
      expect(await idsIn(registry)).toEqual([]);
    });

    test("that deregisters is gone at once; one that is not known is let be", async () => {
      await registry.register(["a", "b", "c"].map((id) => registrationOf(id)));
      await opened.other.deregister(["a", "nobody", "c"]);
      expect(await idsIn(registry)).toEqual(["b"]);
      await registry.deregister([]);
      expect(await registry.heartbeat([{ id: "a" }, { id: "b" }])).toEqual(["unknown", "known"]);
    });
  });

  describe("a list", () => {
    test("is of one role or of all, by role and id", async () => {
      const [t1, t2, s1] = [specOf("t-1"), specOf("T-2"), specOf("s-1", { role: "security" })];
      await registry.register(
        [t1, s1, t2].map((instance) => ({ instance, state: "SERVING", ttlMs: 10_000 })),
      );
      expect(await idsIn(registry)).toEqual(["s-1", "T-2", "t-1"]);
      expect(await idsIn(registry, "testing")).toEqual(["T-2", "t-1"]);
      expect(await idsIn(registry, "test")).toEqual([]);
    });

    test("has every instance of a batch that no single call holds, in the batch's order of outcomes", async () => {
      const ids = Array.from({ length: 2_345 }, (_, nth) => `i-${String(nth).padStart(5, "0")}`);
      const outcomes = await registry.register(ids.map((id) => registrationOf(id)));
      expect(outcomes).toEqual(ids.map(() => "registered"));
      expect(await idsIn(registry)).toEqual(ids);
      const beats = await registry.heartbeat([...ids, "nobody", ...ids.slice(0, 3)].map((id) => ({ id })));
      expect(beats.indexOf("unknown")).toBe(ids.length);
      expect(beats.filter((outcome) => outcome === "known")).toHaveLength(ids.length + 3);
      await opened.elapse(10_000);
      expect(await idsIn(registry)).toEqual([]);
      // More than one call forgets.
      expect(await registry.heartbeat([{ id: "i-02344" }])).toEqual(["unknown"]);
    });

    test("is bounded: what is over the limit is refused, what is there may register again", async () => {
      const ids = Array.from({ length: limits.instancesMax }, (_, nth) => `i-${nth}`);
      await registry.register(ids.map((id) => registrationOf(id)));
      const outcomes = await registry.register([registrationOf("one-more"), registrationOf("i-0")]);
      expect(outcomes).toEqual(["full", "registered"]);
      await registry.deregister(["i-1"]);
      expect(await registry.register([registrationOf("one-more")])).toEqual(["registered"]);
      expect(await idsIn(registry)).toHaveLength(limits.instancesMax);
    });

    test("names the same epoch as long as the registry keeps what it had", async () => {
      await registry.register([registrationOf("a")]);
      const { epoch } = await registry.list();
      expect(epoch).not.toBe("");
      await registry.deregister(["a"]);
      await registry.register([registrationOf("b")]);
      expect((await opened.other.list()).epoch).toBe(epoch);
    });
  });

  describe("a listener", () => {
    test("hears that an instance came, changed its state and left, and hears nothing once it has ended", async () => {
      let heard = 0;
      const end = opened.other.onChange(() => {
        heard += 1;
      });
      const hears = async (change: () => Promise<unknown>) => {
        const before = heard;
        await change();
        await expect.poll(() => heard, { timeout: 5_000 }).toBeGreaterThan(before);
      };
      // The channel may not be heard yet when a handle is opened.
      await expect
        .poll(() => registry.register([registrationOf("first")]).then(() => heard), { timeout: 5_000 })
        .toBeGreaterThan(0);
      await hears(() => registry.register([registrationOf("a")]));
      await hears(() => registry.heartbeat([{ id: "a", state: "DRAINING" }]));
      await hears(() => registry.deregister(["a"]));
      end();
      const after = heard;
      let isHeardByOther = false;
      opened.other.onChange(() => {
        isHeardByOther = true;
      });
      await registry.deregister(["first"]);
      await expect.poll(() => isHeardByOther, { timeout: 5_000 }).toBe(true);
      expect(heard).toBe(after);
    });
  });

  test("any history ends as the model says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { maxLength: 25 }), async (history) => {
        const own = await open();
        try {
          const model = new Model();
          for (const command of history) {
            const expected = model.apply(command);
            const handle = command.byOther ? own.other : own.registry;
            const { do: act } = command;
            if (act === "register") expect(await handle.register(command.items)).toEqual(expected);
            else if (act === "heartbeat") expect(await handle.heartbeat(command.beats)).toEqual(expected);
            else if (act === "deregister") await handle.deregister(command.ids);
            else await own.elapse(command.ms);
            const { instances } = await own.registry.list();
            expect(instances.map(({ heartbeatMs: _, ...rest }) => rest)).toEqual(model.list());
          }
        } finally {
          await own.close();
        }
      }),
      { numRuns: 40 },
    );
  });
}

type Command = { readonly byOther: boolean } & (
  | { readonly do: "register"; readonly items: readonly Registration[] }
  | { readonly do: "heartbeat"; readonly beats: readonly { id: string; state?: InstanceState }[] }
  | { readonly do: "deregister"; readonly ids: readonly string[] }
  | { readonly do: "elapse"; readonly ms: number }
);

const ids = fc.constantFrom("a", "b", "c", "d");
const states = fc.constantFrom(...instanceStates);
const items = fc.record({
  instance: fc
    .record({ id: ids, role: fc.constantFrom("security", "testing"), weight: fc.nat(3) })
    .map((own) => ({
      ...specOf(own.id),
      ...own,
    })),
  state: states,
  // No sum of what may elapse comes within seconds of what is left of these: a slow machine changes no outcome.
  ttlMs: fc.constantFrom(100_000, 300_000),
});
const beats = fc.record({ id: ids, state: states }, { requiredKeys: ["id"] });
const byOther = fc.boolean();

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant("register" as const), items: fc.array(items, { maxLength: 3 }), byOther }),
  fc.record({ do: fc.constant("heartbeat" as const), beats: fc.array(beats, { maxLength: 4 }), byOther }),
  fc.record({ do: fc.constant("deregister" as const), ids: fc.array(ids, { maxLength: 2 }), byOther }),
  fc.record({ do: fc.constant("elapse" as const), ms: fc.constantFrom(70_000, 130_000), byOther }),
);

/** What a registry is, without a store: instances by id, each with the time until which it lives. */
class Model {
  readonly #living = new Map<string, { registration: Registration; state: InstanceState; untilMs: number }>();
  #nowMs = 0;

  apply(command: Command): readonly string[] | undefined {
    if (command.do === "elapse") {
      this.#nowMs += command.ms;
      for (const [id, { untilMs }] of this.#living) if (untilMs <= this.#nowMs) this.#living.delete(id);
      return undefined;
    }
    if (command.do === "deregister") {
      for (const id of command.ids) this.#living.delete(id);
      return undefined;
    }
    if (command.do === "register")
      return command.items.map((registration) => {
        const { instance, state, ttlMs } = registration;
        this.#living.set(instance.id, { registration, state, untilMs: this.#nowMs + ttlMs });
        return "registered";
      });
    return command.beats.map(({ id, state }) => {
      const known = this.#living.get(id);
      if (!known) return "unknown";
      known.state = state ?? known.state;
      known.untilMs = this.#nowMs + known.registration.ttlMs;
      return "known";
    });
  }

  list(): unknown[] {
    const all = [...this.#living.values()].map(({ registration: { instance, ttlMs }, state }) => ({
      ...instance,
      state,
      ttlMs,
      load: noLoad,
    }));
    return all.sort((a, b) => (`${a.role} ${a.id}` < `${b.role} ${b.id}` ? -1 : 1));
  }
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endpointsOf, isSame, type Living, livingAfter } from "../../../src/discovery/sources/living.ts";
import { byRoleAndId, type Instance, noLoad } from "../../../src/fleet/instances.ts";
import { specOf } from "../../contract/instances.ts";

const ttlMs = 10_000;

function instance(id: string, parts: Partial<Instance> = {}): Instance {
  // Each at a port of its own, unless it says so.
  const port = 9_000 + id.charCodeAt(0);
  return { ...specOf(id), port, state: "SERVING", load: noLoad, ttlMs, heartbeatMs: 0, ...parts };
}

function list(instances: readonly Instance[], epoch = "1") {
  return { instances: [...instances].sort(byRoleAndId), nowMs: 0, epoch };
}

function look(
  before: Living | undefined,
  instances: readonly Instance[],
  { nowMs = 0, wasAway = false, epoch = "1" } = {},
): Living {
  return livingAfter({ before, list: list(instances, epoch), wasAway, nowMs });
}

const idsOf = (living: Living) => endpointsOf(living).map(({ id }) => id);
const [a, b, c] = [instance("a"), instance("b"), instance("c")];

describe("what lives", () => {
  test("is what is listed, and what is missing has left", () => {
    const first = look(undefined, [a, b]);
    expect(idsOf(first)).toEqual(["a", "b"]);
    expect(idsOf(look(first, [b, c]))).toEqual(["b", "c"]);
    expect(idsOf(look(first, []))).toEqual([]);
  });

  test("is kept for its time to live where the registry was away, and no longer", () => {
    const back = look(look(undefined, [a, b]), [], { wasAway: true, nowMs: 1_000 });
    expect(idsOf(back)).toEqual(["a", "b"]);
    // It says so for good by then: b has registered again, a has not.
    const later = look(back, [b], { nowMs: 10_999 });
    expect(idsOf(later)).toEqual(["a", "b"]);
    expect(idsOf(look(later, [b], { nowMs: 11_000 }))).toEqual(["b"]);
    // What came back is not kept a second time.
    expect(idsOf(look(later, [], { nowMs: 10_999 }))).toEqual(["a"]);
  });

  test("is kept where the registry has lost its memory, through a second loss no longer than from the first", () => {
    const lost = look(look(undefined, [a, b]), [], { epoch: "", nowMs: 0 });
    expect(idsOf(lost)).toEqual(["a", "b"]);
    const again = look(lost, [a], { epoch: "2", nowMs: 5_000 });
    expect(idsOf(again)).toEqual(["a", "b"]);
    expect(idsOf(look(again, [a], { epoch: "2", nowMs: 10_000 }))).toEqual(["a"]);
  });

  test("is not kept where somebody else listens at its place", () => {
    const successor = instance("s", { port: a.port });
    expect(idsOf(look(look(undefined, [a, b]), [successor], { wasAway: true }))).toEqual(["b", "s"]);
  });

  test("is nothing that was never seen: a first list after an outage is taken as it is", () => {
    expect(idsOf(look(undefined, [a], { wasAway: true }))).toEqual(["a"]);
  });
});

describe("through any history of looks", () => {
  const instances = fc.uniqueArray(
    fc.record({
      id: fc.constantFrom("a", "b", "c", "d"),
      port: fc.constantFrom(1, 2, 3),
      startMs: fc.nat(3),
    }),
    { selector: ({ id }) => id },
  );
  const looks = fc.array(
    fc.record({
      listed: instances,
      epoch: fc.constantFrom("1", "1", "1", "2"),
      wasAway: fc.boolean(),
      afterMs: fc.constantFrom(0, 1_000, 9_999, 10_000),
    }),
    { minLength: 1, maxLength: 12 },
  );

  test("what is listed is told, no place twice, and the rest was listed within its time to live", () => {
    fc.assert(
      fc.property(looks, (history) => {
        let living: Living | undefined;
        let nowMs = 0;
        const listedMs = new Map<string, number>();
        for (const { listed, epoch, wasAway, afterMs } of history) {
          // One that is missing from this look is missing since now.
          if (living !== undefined)
            for (const [id, { keptUntilMs }] of living.instances)
              if (keptUntilMs === undefined) listedMs.set(id, nowMs + afterMs);
          nowMs += afterMs;
          const all = listed.map(({ id, port, startMs }) => instance(id, { port, startMs }));
          living = look(living, all, { epoch, wasAway, nowMs });
          const told = endpointsOf(living);
          const places = new Set(told.map(({ port }) => port));
          expect(places.size).toBe(told.length);
          for (const { port } of all) expect(places.has(port)).toBe(true);
          for (const { id } of told)
            if (!all.some((one) => one.id === id))
              expect(nowMs - (listedMs.get(id) ?? -Infinity)).toBeLessThan(ttlMs);
        }
      }),
    );
  });

  test("of a registry that keeps what it has, what is told is what is listed", () => {
    fc.assert(
      fc.property(looks, (history) => {
        let living: Living | undefined;
        for (const { listed } of history) {
          const all = listed.map(({ id }) => instance(id));
          living = look(living, all);
          expect(idsOf(living)).toEqual(all.map(({ id }) => id).sort());
        }
      }),
    );
  });
});

describe("endpoints", () => {
  test("say of an instance what the control plane needs, by its state", () => {
    const states = ["STARTING", "SERVING", "DRAINING"] as const;
    const all = states.map((state, nth) => instance("abc"[nth] as string, { state, weight: 1 + nth }));
    expect(endpointsOf(look(undefined, all)).map(({ health }) => health)).toEqual([
      "UNHEALTHY",
      "HEALTHY",
      "DRAINING",
    ]);
    const { id, role, address, port, locality, version } = all[2] as Instance;
    expect(endpointsOf(look(undefined, all))[2]).toEqual({
      ...{ id, role, address, port, locality, version },
      weight: 3,
      health: "DRAINING",
    });
  });

  test("name a place once: the later to start counts", () => {
    const dead = instance("z", { startMs: 1, port: 1 });
    const successor = instance("a", { startMs: 2, port: 1 });
    const otherRole = instance("b", { startMs: 0, port: 1, role: "security" });
    expect(idsOf(look(undefined, [dead, successor, otherRole]))).toEqual(["b", "a"]);
  });

  test("are the same where nothing that they say has changed", () => {
    const one = endpointsOf(look(undefined, [a, b]));
    const busier = { ...a, heartbeatMs: 5, load: { ...noLoad, tasksRunning: 1 } };
    expect(isSame(one, endpointsOf(look(undefined, [busier, b])))).toBe(true);
    expect(isSame(one, endpointsOf(look(undefined, [a])))).toBe(false);
    const changes: Partial<Instance>[] = [
      { state: "DRAINING" },
      { weight: 2 },
      { version: "2" },
      { address: "10.0.0.9" },
      { locality: { region: "", zone: "z", subZone: "" } },
    ];
    for (const change of changes)
      expect(isSame(one, endpointsOf(look(undefined, [{ ...a, ...change }, b])))).toBe(false);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MeshError } from "../../src/core/errors.ts";
import { GroupCommit, type GroupCommitOptions } from "../../src/queue/group-commit.ts";

/** A call that a test answers by hand: each batch waits until it is settled. */
function held() {
  const batches: { items: readonly number[]; settle: (fault?: Error) => void }[] = [];
  const call = (items: readonly number[]) =>
    new Promise<number[]>((resolve, reject) => {
      const settle = (fault?: Error) => (fault ? reject(fault) : resolve(items.map((item) => item * 10)));
      batches.push({ items, settle });
    });
  return { batches, call };
}

const turn = () => new Promise(setImmediate);

test("a lone item goes out at once and alone", async () => {
  const { batches, call } = held();
  const answer = new GroupCommit(call).add(1);
  await Promise.resolve();
  expect(batches.map(({ items }) => items)).toEqual([[1]]);
  batches[0]!.settle();
  expect(await answer).toBe(10);
});

test("what comes in one turn shares a call", async () => {
  const { batches, call } = held();
  const group = new GroupCommit(call);
  const answers = [group.add(1), group.addAll([2, 3]), group.add(4)];
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3, 4]]);
  batches[0]!.settle();
  expect(await Promise.all(answers)).toEqual([10, [20, 30], 40]);
});

test("what comes while a call is in flight shares the next one", async () => {
  const { batches, call } = held();
  const group = new GroupCommit(call);
  const first = group.add(1);
  await turn();
  const answers = [first, group.add(2), group.addAll([3, 4]), group.add(5)];
  expect(batches).toHaveLength(1);
  batches[0]!.settle();
  await turn();
  expect(batches[1]!.items).toEqual([2, 3, 4, 5]);
  batches[1]!.settle();
  expect(await Promise.all(answers)).toEqual([10, 20, [30, 40], 50]);
});

test("a rejected call rejects its batch alone, and the next goes on", async () => {
  const { batches, call } = held();
  const group = new GroupCommit(call);
  const first = group.add(1);
  await turn();
  const [second, third] = [group.addAll([2, 3]), group.add(4)];
  const refused = expect(first).rejects.toThrow("no store");
  batches[0]!.settle(new Error("no store"));
  await refused;
  await turn();
  batches[1]!.settle();
  expect(await second).toEqual([20, 30]);
  expect(await third).toBe(40);
});

test("a call that throws where it stands is a rejected call", async () => {
  const group = new GroupCommit<number, number>(() => {
    throw new Error("at once");
  });
  await expect(group.add(1)).rejects.toThrow("at once");
  await expect(group.addAll([2, 3])).rejects.toThrow("at once");
});

test("nothing at all is answered at once and calls nobody", async () => {
  const { batches, call } = held();
  expect(await new GroupCommit(call).addAll([])).toEqual([]);
  expect(batches).toEqual([]);
});

test("no call has more than itemsMax items", async () => {
  const sizes: number[] = [];
  const group = new GroupCommit(
    async (items: readonly number[]) => {
      sizes.push(items.length);
      return items;
    },
    { itemsMax: 7 },
  );
  const many = Array.from({ length: 50 }, (_, index) => index);
  expect(await group.addAll(many)).toEqual(many);
  expect(Math.max(...sizes)).toBe(7);
});

test("under load batches grow: a thousand callers cost a few calls", async () => {
  let calls = 0;
  const group = new GroupCommit(async (items: readonly number[]) => {
    calls += 1;
    await turn();
    return items;
  });
  const caller = async (item: number) => expect(await group.add(item)).toBe(item);
  await Promise.all(Array.from({ length: 1_000 }, (_, item) => caller(item)));
  expect(calls).toBeLessThan(5);
});

describe("waiting has bounds, and whoever is refused was not sent", () => {
  const refusal = { reason: "STORE_UNAVAILABLE", message: expect.stringContaining("was not sent") };
  const away = new MeshError("STORE_UNAVAILABLE", "away");

  /** A group with a call in flight, and a clock that the test moves. */
  async function busy(options: GroupCommitOptions = {}) {
    const { batches, call } = held();
    let nowMs = 0;
    const group = new GroupCommit(call, { clock: { now: () => nowMs }, ...options });
    const first = group.add(0);
    first.catch(() => {});
    await turn();
    const pass = (ms: number) => {
      nowMs += ms;
    };
    return { batches, group, first, pass };
  }

  test("no more than waitingMax wait, and those who do are served", async () => {
    const { batches, group } = await busy({ waitingMax: 3 });
    const waiting = group.addAll([1, 2, 3]);
    await expect(group.add(4)).rejects.toMatchObject({ ...refusal, metadata: { limit: "3" } });
    await expect(group.addAll([5, 6])).rejects.toMatchObject(refusal);
    batches[0]!.settle();
    await turn();
    batches[1]!.settle();
    expect(await waiting).toEqual([10, 20, 30]);
    expect(batches[1]!.items).toEqual([1, 2, 3]);
  });

  test("of a caller with more than one call takes, what was sent waits no longer", async () => {
    const { batches, group } = await busy({ waitingMax: 3, itemsMax: 2 });
    const many = group.addAll([1, 2, 3]);
    batches[0]!.settle();
    await turn();
    const late = group.addAll([4, 5]);
    await expect(group.add(6)).rejects.toMatchObject(refusal);
    for (const nth of [1, 2, 3]) {
      batches[nth]!.settle();
      await turn();
    }
    expect(batches.map(({ items }) => items)).toEqual([[0], [1, 2], [3, 4], [5]]);
    expect([await many, await late]).toEqual([
      [10, 20, 30],
      [40, 50],
    ]);
  });

  test("nobody waits longer than waitMsMax while a call goes on", async () => {
    const { batches, group, first, pass } = await busy({ waitMsMax: 100 });
    const early = group.add(1);
    const told = expect(early).rejects.toMatchObject(refusal);
    pass(60);
    const late = group.add(2);
    pass(40);
    await told;
    batches[0]!.settle();
    expect(await first).toBe(0);
    await turn();
    expect(batches[1]!.items).toEqual([2]);
    batches[1]!.settle();
    expect(await late).toBe(20);
  });

  test("when the call before finds the store away, only who came lately is sent", async () => {
    const { batches, group, pass } = await busy({ waitMsMax: 2_000 });
    const early = expect(group.add(1)).rejects.toMatchObject(refusal);
    pass(1_000);
    const late = group.add(2);
    batches[0]!.settle(away);
    await early;
    await turn();
    expect(batches[1]!.items).toEqual([2]);
    batches[1]!.settle();
    expect(await late).toBe(20);
  });
});

/** A caller of the property: waits some turns, then adds one item or several. */
const caller = fc.record({
  turns: fc.nat(4),
  items: fc.array(fc.nat(1_000), { maxLength: 5 }),
  single: fc.boolean(),
});

test("whoever calls when: each is answered once, with its own, in order of arrival, or rejected with its batch", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(caller, { maxLength: 30 }),
      fc.array(fc.record({ turns: fc.nat(2), fails: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      async (callers, calls, itemsMax) => {
        const arrived: string[] = [];
        const called: { items: readonly string[]; failed: boolean }[] = [];
        let inFlight = 0;
        const group = new GroupCommit(
          async (items: readonly string[]) => {
            expect(++inFlight).toBe(1);
            expect(items.length).toBeLessThanOrEqual(itemsMax);
            const { turns, fails } = calls[called.length] ?? { turns: 0, fails: false };
            called.push({ items, failed: fails });
            for (let waited = 0; waited < turns; waited++) await turn();
            inFlight -= 1;
            if (fails) throw new Error(`call ${called.length}`);
            return items.map((item) => `${item}!`);
          },
          { itemsMax },
        );
        await Promise.all(
          callers.map(async ({ turns, items, single }, who) => {
            for (let waited = 0; waited < turns; waited++) await turn();
            const mine = items.map((item, nth) => `${who}.${nth}:${item}`);
            arrived.push(...mine);
            const given = single ? Promise.all(mine.map((item) => group.add(item))) : group.addAll(mine);
            const wasRejected = () =>
              called.some((batch) => batch.failed && batch.items.some((item) => mine.includes(item)));
            try {
              expect(await given).toEqual(mine.map((item) => `${item}!`));
              expect(wasRejected()).toBe(false);
            } catch (error) {
              expect(String(error)).toMatch(/call \d/);
              expect(wasRejected()).toBe(true);
            }
          }),
        );
        // A caller of several is rejected with its first batch, while its others are still to go.
        while (called.flatMap(({ items }) => items).length < arrived.length || inFlight > 0) await turn();
        expect(called.flatMap(({ items }) => items)).toEqual(arrived);
      },
    ),
    { numRuns: 60 },
  );
});

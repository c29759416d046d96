import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { ManualClock, openAt } from "../../support/sqlite.ts";
import {
  bytes,
  getOne,
  lease,
  leaseOne,
  newTask,
  stateOf,
  submitOne,
  succeeded,
  term,
} from "../../support/tasks.ts";
import { testDirectory } from "./directory.ts";

describe("group commit", () => {
  test("calls of one turn share a transaction; each gets its own answer", async () => {
    const store = await openAt(testDirectory());
    const tasks = Array.from({ length: 100 }, () => newTask("q"));
    const before = store.transactions;
    const outcomes = await Promise.all(tasks.map((task) => store.submit([task])));
    expect(store.transactions - before).toBe(1);
    expect(outcomes.map(([outcome]) => outcome)).toEqual(
      tasks.map(({ id }) => ({ status: "created", id, state: "QUEUED" })),
    );
    const [leased] = await Promise.all([lease(store, "q", { max: 10 }), submitOne(store, newTask("q"))]);
    await Promise.all(leased.map((task) => store.finish([{ ...term(task), result: succeeded }])));
    expect(store.transactions - before).toBe(3);
    await store.close();
  });

  test("a call that throws undoes itself alone", async () => {
    const store = await openAt(testDirectory());
    const broken = newTask("q", { spec: "not bytes" as never, tenant: { odd: true } as never });
    const [first, half, last] = [newTask("q"), newTask("q"), newTask("q")];
    const plain = { ...newTask("q"), id: undefined };
    const results = await Promise.allSettled([
      store.submit([first, plain]),
      store.submit([half, plain, broken]),
      store.submit([last, plain]),
    ]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await store.get([half.id])).toEqual([undefined]);
    expect((await store.list({ limit: 9 })).tasks).toHaveLength(4);
    expect((await store.stats(["q"]))[0]!.counts.QUEUED).toBe(4);
    expect(await lease(store, "q", { max: 9 })).toHaveLength(4);
    await store.close();
  });

  test("signals come after the commit and one a queue", async () => {
    const store = await openAt(testDirectory());
    const seen: (string | undefined)[] = [];
    store.subscribe(async (signal) => {
      seen.push(...(await store.get(signal.changed)).map((task) => task?.queue));
    });
    await Promise.all([store.submit([newTask("a"), newTask("a")]), store.submit([newTask("b")])]);
    await expect.poll(() => seen).toEqual(["a", "a", "b"]);
    await store.close();
  });

  test("an idle sweep commits nothing", async () => {
    const store = await openAt(testDirectory());
    await store.submit([newTask("q"), newTask("q", { delayMs: 60_000 })]);
    const before = store.transactions;
    expect((await store.sweep()).nextDueMs).toBeGreaterThan(50_000);
    expect(store.transactions).toBe(before);
    await store.close();
  });
});

describe("plain tasks", () => {
  /** Without ids, so that the store keeps them in chunks: one for each tenant, or more. */
  const plain = (count: number) =>
    Array.from({ length: count }, (_, nth) => ({
      ...newTask("q", { tenant: ["a", "b", "c"][nth % 3] }),
      id: undefined,
    }));

  test("of one call are listed in its order, whatever they have in common", async () => {
    const store = await openAt(testDirectory());
    const outcomes = [...(await store.submit(plain(500))), ...(await store.submit(plain(50)))];
    const ids = outcomes.map((outcome) => ("id" in outcome ? outcome.id : ""));
    await store.cancel([{ taskId: ids[200]!, reason: "" }]);
    const wanted = ids.toReversed();
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({ queues: ["q"], limit: 7, cursor });
      listed.push(...page.tasks.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(listed).toEqual(wanted);
    expect((await store.list({ limit: 600 })).tasks.map(({ id }) => id)).toEqual(wanted);
    await store.close();
  });

  test("are where they were after a restart: those that wait, run, have ended or moved out", async () => {
    const dataDir = testDirectory();
    const first = await openAt(dataDir);
    const outcomes = await first.submit(plain(250));
    const ids = outcomes.map((outcome) => ("id" in outcome ? outcome.id : ""));
    const leased = await lease(first, "q", { max: 60 });
    await first.finish(leased.slice(0, 40).map((task) => ({ ...term(task), result: succeeded })));
    await first.renew([{ ...term(leased[50]!), leaseMs: 90_000 }]);
    await first.cancel([{ taskId: ids[249]!, reason: "" }]);
    const before = await first.get(ids);
    await first.close();
    const second = await openAt(dataDir);
    expect(await second.get(ids)).toEqual(before);
    const states = before.map((record) => record?.state);
    for (const [state, count] of [
      ["QUEUED", 189],
      ["RUNNING", 20],
      ["SUCCEEDED", 40],
      ["CANCELED", 1],
    ])
      expect(states.filter((one) => one === state)).toHaveLength(Number(count));
    const rest = await lease(second, "q", { max: 300 });
    const ends = [...leased.slice(40), ...rest].map((task) => ({ ...term(task), result: succeeded }));
    expect((await second.finish(ends)).every(({ accepted }) => accepted)).toBe(true);
    expect((await second.stats(["q"]))[0]!.counts).toMatchObject({ SUCCEEDED: 249, RUNNING: 0, QUEUED: 0 });
    await second.close();
  });
});

describe("closing", () => {
  test("answers what was asked before, refuses what comes after", async () => {
    const dataDir = testDirectory();
    const store = await openAt(dataDir);
    const task = newTask("q");
    const asked = store.submit([task]);
    await store.close();
    expect((await asked)[0]!.status).toBe("created");
    await expect(store.submit([newTask("q")])).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    await expect(store.ping()).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    await expect(store.get([task.id])).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    await store.close();
    const again = await openAt(dataDir);
    expect((await getOne(again, task.id)).spec).toEqual(task.spec);
    await again.close();
  });
});

describe("the store's clock", () => {
  test("moved back while it runs, or between two runs: time goes on, and so do leases", async () => {
    const dataDir = testDirectory();
    const clock = new ManualClock();
    const first = await openAt(dataDir, { clock });
    const id = await submitOne(first, newTask("q"));
    await leaseOne(first, "q", 10_000);
    const { startedMs } = await getOne(first, id);
    clock.advance(-3_600_000);
    const other = await submitOne(first, newTask("q"));
    expect((await getOne(first, other)).createdMs).toBeGreaterThanOrEqual(startedMs!);
    await first.close();

    const second = await openAt(dataDir, { clock });
    const third = await submitOne(second, newTask("q"));
    expect((await getOne(second, third)).createdMs).toBeGreaterThanOrEqual(startedMs!);
    await second.sweep();
    expect(await stateOf(second, id)).toBe("RUNNING");
    clock.advance(10_000);
    await second.sweep();
    expect(await stateOf(second, id), "the lease ends after its own time").toBe("QUEUED");
    await second.close();
  });
});

describe("opening", () => {
  test("refuses the file of a newer agentmesh, and says what to do", async () => {
    const dataDir = testDirectory();
    await (await openAt(dataDir)).close();
    const database = new DatabaseSync(join(dataDir, "mesh.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(openAt(dataDir)).rejects.toThrow(/schema version 99 .* knows 3: .*data\.dir/);
  });

  test("says what an acknowledgement means", async () => {
    const full = await openAt(testDirectory());
    expect(await full.describe()).toMatchObject({
      kind: "sqlite",
      durability: expect.stringContaining("power cut"),
    });
    expect((await full.describe()).warning).toBeUndefined();
    await full.close();
    const normal = await openAt(testDirectory(), { durability: "normal" });
    expect((await normal.describe()).warning).toContain("may lose");
    await normal.close();
  });

  test("keeps everything across a restart", async () => {
    const dataDir = testDirectory();
    const first = await openAt(dataDir);
    await first.submit([newTask("q", { priority: 1 }), newTask("q", { delayMs: 60_000 })]);
    const task = await leaseOne(first, "q");
    await first.append([{ ...term(task), entries: [{ bytes: bytes("x"), progress: bytes("half") }] }]);
    const before = [await first.get([task.id]), await first.stats(), await first.list({ limit: 9 })];
    await first.close();
    const second = await openAt(dataDir);
    expect([await second.get([task.id]), await second.stats(), await second.list({ limit: 9 })]).toEqual(
      before,
    );
    await second.close();
  });
});

import { describe, expect } from "vitest";
import {
  bytes,
  failedForGood,
  finish,
  getOne,
  lease,
  leaseOne,
  newTask,
  stateOf,
  submitOne,
  succeeded,
  term,
  text,
} from "../../support/tasks.ts";
import { expectWholeLog, type OpenStore, storeTest } from "./kit.ts";

export function leaseCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("lease", () => {
    test("gives the highest priority first, then the longest queued", async ({ store, queue }) => {
      const wanted = [5, 0, 9, 5, 9, 0].map((priority) => newTask(queue, { priority }));
      for (const task of wanted) await submitOne(store, task);
      const order = [2, 4, 0, 3, 1, 5].map((place) => wanted[place]!.id);
      const first = await lease(store, queue, { max: 4 });
      expect(first.map((task) => task.id)).toEqual(order.slice(0, 4));
      expect((await lease(store, queue, { max: 4 })).map((task) => task.id)).toEqual(order.slice(4));
      expect(await lease(store, queue, { max: 4 })).toEqual([]);
    });

    test("begins a term: RUNNING, the next attempt, a higher fence, an end", async ({ store, queue }) => {
      const id = await submitOne(store, newTask(queue));
      const [task] = await lease(store, queue, { leaseMs: 5_000, workerId: "worker-7" });
      expect(task).toMatchObject({
        id,
        state: "RUNNING",
        attempt: 1,
        fence: 1,
        workerId: "worker-7",
        leaseMs: 5_000,
      });
      expect(task!.leaseExpiresMs).toBe(task!.startedMs! + 5_000);
      const { leaseMs: _, ...record } = task!;
      expect(await getOne(store, id)).toEqual(record);
      await finish(store, term(task!), { kind: "failed", failure: { ...plain, retryable: true } });
      expect(await leaseOne(store, queue)).toMatchObject({ id, attempt: 2, fence: 2 });
    });

    test("serves several asks of several queues in one call, in order", async ({
      store,
      queue,
      otherQueue,
    }) => {
      const here = [newTask(queue), newTask(queue), newTask(queue)];
      const there = [newTask(otherQueue)];
      await store.submit([...here, ...there]);
      const ask = { workerId: "w", labels: {}, leaseMs: 60_000 };
      const answers = await store.lease([
        { ...ask, queue, max: 1, workerId: "a" },
        { ...ask, queue: otherQueue, max: 5, workerId: "b" },
        { ...ask, queue, max: 5, workerId: "c" },
        { ...ask, queue, max: 5 },
        { ...ask, queue: `${queue}-none`, max: 5 },
        { ...ask, queue, max: 0 },
      ]);
      expect(answers.map(({ tasks }) => tasks.map((task) => task.id))).toEqual([
        [here[0]!.id],
        [there[0]!.id],
        [here[1]!.id, here[2]!.id],
        [],
        [],
        [],
      ]);
      expect(answers[2]!.tasks.map((task) => task.workerId)).toEqual(["c", "c"]);
    });

    test("leases no task twice when two handles ask at once", async ({ store, second, queue }) => {
      const tasks = Array.from({ length: 120 }, () => newTask(queue));
      await store.submit(tasks);
      const other = await second();
      const calls = Array.from({ length: 60 }, (_, i) => lease(i % 2 ? other : store, queue, { max: 3 }));
      const ids = (await Promise.all(calls)).flat().map((task) => task.id);
      expect(ids).toHaveLength(120);
      expect(new Set(ids).size).toBe(120);
    });

    test("does not give what is scheduled, blocked, running or final", async ({ store, queue }) => {
      await submitOne(store, newTask(queue, { delayMs: 60_000 }));
      const id = await submitOne(store, newTask(queue));
      await store.cancel([{ taskId: id, reason: "" }]);
      expect(await lease(store, queue, { max: 9 })).toEqual([]);
    });
  });

  describe("renew", () => {
    test("moves the lease's end from now on, and only that", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue, 1_000);
      expect(await store.renew([{ ...term(task), leaseMs: 90_000 }])).toEqual([
        { accepted: true, state: "RUNNING" },
      ]);
      const after = await getOne(store, task.id);
      expect(after.leaseExpiresMs).toBeGreaterThanOrEqual(task.leaseExpiresMs! + 89_000);
      expect(after).toMatchObject({ attempt: 1, fence: task.fence, lastSequence: task.lastSequence });
    });

    test("renews an expired lease that nobody has taken back", async ({ store, advance, queue }) => {
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue, 1);
      advance?.(1_000);
      expect(await store.renew([{ ...term(task), leaseMs: 60_000 }])).toEqual([
        { accepted: true, state: "RUNNING" },
      ]);
      await store.sweep();
      expect(await stateOf(store, task.id)).toBe("RUNNING");
    });

    test("refuses a stale fence, an ended task and a missing one, each by itself", async ({
      store,
      queue,
    }) => {
      await store.submit([newTask(queue), newTask(queue)]);
      const [one, two] = await lease(store, queue, { max: 2 });
      await finish(store, term(one!), succeeded);
      const answers = await store.renew([
        { ...term(one!), leaseMs: 9_000 },
        { taskId: two!.id, fence: two!.fence + 1, leaseMs: 9_000 },
        { taskId: `${queue}.none`, fence: 1, leaseMs: 9_000 },
        { ...term(two!), leaseMs: 9_000 },
      ]);
      expect(answers).toEqual([
        { accepted: false, state: "SUCCEEDED" },
        { accepted: false, state: "RUNNING" },
        { accepted: false, state: "MISSING" },
        { accepted: true, state: "RUNNING" },
      ]);
    });
  });

  describe("a fence that no task can have is stale, whatever stands beside it", () => {
    const impossible = [-1, 1.5, 1e10, 2 ** 53 - 1];
    const stale = { accepted: false, state: "RUNNING" };
    const taken = { accepted: true, state: "RUNNING" };

    test("in a renewal", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const { taskId, fence } = term(await leaseOne(store, queue));
      const renewals = [...impossible, fence].map((each) => ({ taskId, fence: each, leaseMs: 60_000 }));
      expect(await store.renew(renewals)).toEqual([...impossible.map(() => stale), taken]);
    });

    test("in an append", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const { taskId, fence } = term(await leaseOne(store, queue));
      const entries = [{ bytes: bytes("line") }];
      const appends = [...impossible, fence].map((each) => ({ taskId, fence: each, entries }));
      expect(await store.append(appends)).toEqual([...impossible.map(() => stale), taken]);
      expect((await getOne(store, taskId)).lastSequence).toBe(3);
    });

    test("in a finish", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const { taskId, fence } = term(await leaseOne(store, queue));
      const bad = impossible.flatMap((each) => [
        { taskId, fence: each, result: succeeded },
        { taskId, fence: each, result: failedForGood },
      ]);
      const answers = await store.finish([...bad, { taskId, fence, result: succeeded }]);
      expect(answers.slice(0, -1)).toEqual(bad.map(() => ({ ...stale, repeated: false })));
      expect(answers.at(-1)).toEqual({ accepted: true, state: "SUCCEEDED", repeated: false });
    });
  });

  test("takes a very long lease", async ({ store, queue }) => {
    await submitOne(store, newTask(queue));
    const task = await leaseOne(store, queue, 1e10);
    expect(task.leaseExpiresMs).toBe(task.startedMs! + 1e10);
    expect(await store.renew([{ ...term(task), leaseMs: 2e10 }])).toEqual([
      { accepted: true, state: "RUNNING" },
    ]);
    expect((await getOne(store, task.id)).leaseExpiresMs).toBeGreaterThanOrEqual(task.startedMs! + 2e10);
  });

  describe("append", () => {
    test("numbers entries without holes after the state changes", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue);
      expect(task.lastSequence).toBe(2);
      const append = (words: string[]) =>
        store.append([{ ...term(task), entries: words.map((word) => ({ bytes: bytes(word) })) }]);
      expect(await append(["a", "b"])).toEqual([{ accepted: true, state: "RUNNING" }]);
      await append([]);
      await append(["c"]);
      const page = await store.readLog({ taskId: task.id, from: 1, limit: 100 });
      expect(page).toMatchObject({ firstKept: 1, lastSequence: 5, state: "RUNNING" });
      expect(page!.entries.map((entry) => entry.change?.state ?? text(entry.body))).toEqual([
        "QUEUED",
        "RUNNING",
        "a",
        "b",
        "c",
      ]);
      await expectWholeLog(store, task.id);
    });

    test("keeps the newest progress and adds usage up", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue);
      const entry = (word: string) => ({ bytes: bytes(word), progress: bytes(`p ${word}`) });
      await store.append([
        { ...term(task), entries: [entry("1"), entry("2"), { bytes: bytes("plain") }] },
        { ...term(task), entries: [], usage: { tokens: 10, usd: 0.25 } },
      ]);
      await store.append([{ ...term(task), entries: [], usage: { tokens: 5, usd: 0.5 } }]);
      const record = await getOne(store, task.id);
      expect(text(record.progress)).toBe("p 2");
      expect(record.usage).toEqual({ tokens: 15, usd: 0.75 });
      const used = { ...term(task), result: succeeded, usage: { tokens: 1, usd: 0.25 } };
      await store.finish([used]);
      expect((await getOne(store, task.id)).usage).toEqual({ tokens: 16, usd: 1 });
    });

    test("takes more entries than two bytes count", async ({ store, queue }) => {
      await store.submit([newTask(queue), newTask(queue)]);
      const [one, two] = await lease(store, queue, { max: 2 });
      const entries = Array.from({ length: 66_000 }, () => ({ bytes: bytes("x") }));
      const answers = await store.append([
        { ...term(one!), entries },
        { ...term(two!), entries: entries.slice(0, 1) },
      ]);
      expect(answers.map(({ accepted }) => accepted)).toEqual([true, true]);
      expect((await getOne(store, one!.id)).lastSequence).toBe(66_002);
      expect((await getOne(store, two!.id)).lastSequence).toBe(3);
    });

    test("changes nothing for a stale fence", async ({ store, queue }) => {
      await submitOne(store, newTask(queue));
      const task = await leaseOne(store, queue);
      const before = await getOne(store, task.id);
      const entries = [{ bytes: bytes("late"), progress: bytes("late") }];
      const answers = await store.append([
        { taskId: task.id, fence: task.fence - 1, entries, usage: { tokens: 9, usd: 9 } },
        { taskId: `${queue}.none`, fence: 1, entries },
      ]);
      expect(answers).toEqual([
        { accepted: false, state: "RUNNING" },
        { accepted: false, state: "MISSING" },
      ]);
      expect(await getOne(store, task.id)).toEqual(before);
    });

    test(
      "trims the oldest entries over the limit and says so",
      async ({ store, queue }) => {
        await submitOne(store, newTask(queue));
        const task = await leaseOne(store, queue);
        for (let i = 0; i < 5; i++)
          await store.append([
            { ...term(task), entries: Array.from({ length: 10 }, () => ({ bytes: bytes("x") })) },
          ]);
        const page = (await store.readLog({ taskId: task.id, from: 1, limit: 1_000 }))!;
        expect(page.lastSequence).toBe(52);
        expect(page.firstKept).toBe(52 - 20 + 1);
        expect(page.entries).toHaveLength(20);
        await expectWholeLog(store, task.id);
        const tail = await store.readLog({ taskId: task.id, from: 50, limit: 2 });
        expect(tail!.entries.map((entry) => entry.sequence)).toEqual([50, 51]);
      },
      { logEntriesMax: 20 },
    );
  });
}

const plain = { kind: "ROLE_ERROR", message: "broke", detail: "" };

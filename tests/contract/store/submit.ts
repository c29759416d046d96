import { describe, expect } from "vitest";
import {
  bytes,
  failure,
  finish,
  getOne,
  lease,
  leaseOne,
  newTask,
  parent,
  stateOf,
  submitOne,
  term,
} from "../../support/tasks.ts";
import { type OpenStore, settle, storeTest } from "./kit.ts";

export function submitCases(open: OpenStore): void {
  const test = storeTest(open);

  describe("submit", () => {
    test("answers in order what is ready at once and what waits for a time", async ({ store, queue }) => {
      const tasks = Array.from({ length: 30 }, (_, nth) =>
        newTask(queue, nth % 7 === 3 ? { delayMs: 60_000 } : { priority: nth % 10 }),
      );
      const later = { ...newTask(queue, { delayMs: 60_000 }), id: tasks[3]!.id, fingerprint: "other" };
      const outcomes = await store.submit([...tasks, { ...tasks[0]! }, later]);
      expect(outcomes.map((outcome) => ("state" in outcome ? outcome.state : outcome.status))).toEqual([
        ...tasks.map((_, nth) => (nth % 7 === 3 ? "SCHEDULED" : "QUEUED")),
        "QUEUED",
        "conflict",
      ]);
      expect(outcomes.map((outcome) => ("id" in outcome ? outcome.id : ""))).toEqual([
        ...tasks.map(({ id }) => id),
        tasks[0]!.id,
        tasks[3]!.id,
      ]);
      const page = await store.list({ queues: [queue], limit: 100 });
      expect(page.tasks).toHaveLength(30);
    });

    test("takes one of several tasks with one id, however far apart in a batch", async ({ store, queue }) => {
      const task = newTask(queue, { fingerprint: "f" });
      const others = Array.from({ length: 40 }, () => newTask(queue, { spec: new Uint8Array(1_000) }));
      const outcomes = await store.submit([task, ...others, task, { ...task, fingerprint: "g" }]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        ...Array.from({ length: 41 }, () => "created"),
        "existing",
        "conflict",
      ]);
      expect(await lease(store, queue, { max: 100 })).toHaveLength(41);
    });

    test("makes an id for each task that comes without one", async ({ store, queue }) => {
      const tasks = Array.from({ length: 250 }, () => ({ ...newTask(queue), id: undefined }));
      const outcomes = await store.submit(tasks);
      const ids = outcomes.map((outcome) => (outcome.status === "created" ? outcome.id : ""));
      expect(new Set(ids).size).toBe(250);
      for (const id of ids) expect(id).toMatch(new RegExp(`^${queue}\\.[0-9a-z]{1,64}$`));
      const records = await store.get(ids);
      expect(records.map((record) => record?.spec)).toEqual(tasks.map((task) => task.spec));
      const leased = await lease(store, queue, { max: 300 });
      expect(leased.map(({ id }) => id)).toEqual(ids);
    });

    test("creates a QUEUED task with everything it was given", async ({ store, queue }) => {
      const task = newTask(queue, {
        tenant: "acme",
        priority: 7,
        fingerprint: "f1",
        workflowId: "wf.1",
        labels: { gpu: "a100" },
      });
      expect(await store.submit([task])).toEqual([{ status: "created", id: task.id, state: "QUEUED" }]);
      const record = await getOne(store, task.id);
      expect(record).toMatchObject({
        id: task.id,
        queue,
        tenant: "acme",
        priority: 7,
        state: "QUEUED",
        attempt: 0,
        fence: 0,
        generation: 1,
        retry: task.retry,
        parents: [],
        parentsPending: 0,
        workflowId: "wf.1",
        labels: { gpu: "a100" },
        usage: { tokens: 0, usd: 0 },
        lastSequence: 1,
      });
      expect(record.spec).toEqual(task.spec);
      expect(record.queuedMs).toBe(record.createdMs);
      for (const unset of [
        "startedMs",
        "finishedMs",
        "runAtMs",
        "leaseExpiresMs",
        "workerId",
        "output",
      ] as const)
        expect(record[unset]).toBeUndefined();
      for (const unset of ["error", "progress", "resumeState"] as const)
        expect(record[unset]).toBeUndefined();
    });

    test("keeps texts and lists of any length, and its neighbours", async ({ store, queue }) => {
      const long = "é".repeat(70_000);
      const errorsNotRetried = Array.from({ length: 66_000 }, () => "E");
      const task = newTask(queue, {
        workflowId: long,
        labels: { [long]: long },
        retry: { ...newTask(queue).retry, attemptsMax: 100_000, errorsNotRetried },
      });
      const outcomes = await store.submit([task, newTask(queue, { delayMs: 1e12 })]);
      expect(outcomes).toMatchObject([{ status: "created" }, { status: "created" }]);
      const record = await getOne(store, task.id);
      expect(record.retry).toEqual(task.retry);
      expect(record.labels[long] === long && record.workflowId === long).toBe(true);
      const error = failure({ kind: long, retryable: false });
      await finish(store, term(await leaseOne(store, queue)), { kind: "failed", failure: error });
      expect((await getOne(store, task.id)).error?.kind === long).toBe(true);
    });

    test("answers the same request with the task that exists, whatever became of it", async ({
      store,
      queue,
    }) => {
      const task = newTask(queue, { fingerprint: "same" });
      await submitOne(store, task);
      const again = { status: "existing", id: task.id };
      expect(await store.submit([{ ...task }])).toEqual([{ ...again, state: "QUEUED" }]);
      await leaseOne(store, queue);
      expect(await store.submit([{ ...task }])).toEqual([{ ...again, state: "RUNNING" }]);
      expect((await store.stats([queue]))[0]!.counts.RUNNING).toBe(1);
    });

    test("refuses another request for a taken id", async ({ store, queue }) => {
      const task = newTask(queue, { fingerprint: "one" });
      await submitOne(store, task);
      const other = { ...task, fingerprint: "two", spec: bytes("other") };
      expect(await store.submit([other])).toEqual([{ status: "conflict", id: task.id }]);
      expect((await getOne(store, task.id)).spec).toEqual(task.spec);
    });

    test("sees repeats and conflicts within one batch", async ({ store, queue }) => {
      const task = newTask(queue, { fingerprint: "x" });
      const outcomes = await store.submit([task, task, { ...task, fingerprint: "y" }]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(["created", "existing", "conflict"]);
    });

    test("gives 100 submits of one request at once one task", async ({ store, second, queue }) => {
      const task = newTask(queue, { fingerprint: "once" });
      const other = await second();
      const calls = Array.from({ length: 100 }, (_, i) => (i % 2 ? other : store).submit([task]));
      const statuses = (await Promise.all(calls)).map(([outcome]) => outcome!.status);
      expect(statuses.filter((status) => status === "created")).toHaveLength(1);
      expect(statuses.filter((status) => status === "existing")).toHaveLength(99);
      expect((await store.stats([queue]))[0]!.counts.QUEUED).toBe(1);
    });

    test("refuses a parent that does not exist, and only that task", async ({ store, queue, otherQueue }) => {
      const lost = `${otherQueue}.nobody`;
      const outcomes = await store.submit([
        newTask(queue),
        newTask(queue, { parents: [parent(lost)] }),
        newTask(queue),
      ]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(["created", "unknownParent", "created"]);
      expect(outcomes[1]).toEqual({ status: "unknownParent", parentId: lost });
      expect((await store.stats([queue]))[0]!.counts.QUEUED).toBe(2);
    });

    test("takes a parent that stands earlier in the batch, not one that stands later", async (kit) => {
      const { store, queue, otherQueue } = kit;
      const mother = newTask(otherQueue);
      const child = newTask(queue, { parents: [parent(mother.id)] });
      const early = newTask(queue, { parents: [parent(mother.id)] });
      const outcomes = await store.submit([early, mother, child]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(["unknownParent", "created", "created"]);
      await settle(store);
      expect(await getOne(store, child.id)).toMatchObject({ state: "BLOCKED", parentsPending: 1 });
    });

    test("answers in order and makes tasks leasable in that order", async ({ store, queue }) => {
      const tasks = Array.from({ length: 50 }, () => newTask(queue));
      const outcomes = await store.submit(tasks);
      expect(outcomes).toEqual(tasks.map(({ id }) => ({ status: "created", id, state: "QUEUED" })));
      const leased = await lease(store, queue, { max: 50 });
      expect(leased.map((task) => task.id)).toEqual(tasks.map((task) => task.id));
    });

    test("schedules a task for a delay or a time, and queues one whose time has passed", async ({
      store,
      queue,
    }) => {
      const delayed = newTask(queue, { delayMs: 3_600_000 });
      const before = await submitted(store, delayed);
      expect(before.state).toBe("SCHEDULED");
      expect(before.runAtMs).toBe(before.createdMs + 3_600_000);
      expect(before.queuedMs).toBeUndefined();
      const timed = await submitted(store, newTask(queue, { runAtMs: before.createdMs + 7_200_000 }));
      expect(timed).toMatchObject({ state: "SCHEDULED", runAtMs: before.createdMs + 7_200_000 });
      const past = await submitted(store, newTask(queue, { runAtMs: 1 }));
      expect(past.state).toBe("QUEUED");
      const nowish = await submitted(store, newTask(queue, { delayMs: 0 }));
      expect(nowish.state).toBe("QUEUED");
    });

    test(
      "refuses what is over the queue's limit, counts unfinished tasks only, and still answers repeats",
      async ({ store, queue, otherQueue }) => {
        const first = newTask(queue, { fingerprint: "f" });
        const outcomes = await store.submit([first, newTask(queue, { delayMs: 60_000 }), newTask(queue)]);
        expect(outcomes.map((outcome) => outcome.status)).toEqual(["created", "created", "full"]);
        expect(outcomes[2]).toEqual({ status: "full", tasksMax: 2 });
        expect((await store.submit([first]))[0]!.status).toBe("existing");
        expect((await store.submit([newTask(otherQueue)]))[0]!.status).toBe("created");
        await store.cancel([{ taskId: first.id, reason: "" }]);
        expect(
          (await store.submit([newTask(queue), newTask(queue)])).map((outcome) => outcome.status),
        ).toEqual(["created", "full"]);
      },
      { queueTasksMax: 2 },
    );

    test("takes a batch of 1,000 over several queues", async ({ store, queue, otherQueue }) => {
      const tasks = Array.from({ length: 1_000 }, (_, i) => newTask(i % 2 ? queue : otherQueue));
      const outcomes = await store.submit(tasks);
      expect(
        outcomes.every((outcome, i) => outcome.status === "created" && outcome.id === tasks[i]!.id),
      ).toBe(true);
      const stats = await store.stats([queue, otherQueue]);
      expect(stats.map((entry) => entry.counts.QUEUED)).toEqual([500, 500]);
      const records = await store.get(tasks.map((task) => task.id));
      expect(records.every((record, i) => record!.id === tasks[i]!.id)).toBe(true);
    });

    test("takes an empty batch", async ({ store }) => {
      expect(await store.submit([])).toEqual([]);
      expect(await store.get([])).toEqual([]);
      expect(await store.lease([])).toEqual([]);
    });
  });

  describe("what it carries", () => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
    const large = Uint8Array.from({ length: 1_048_576 }, (_, i) => (i * 31 + (i >> 8)) & 255);
    const payloads = [new Uint8Array(0), everyByte, large];

    test("comes back byte for byte: spec, output, resume state, progress and log", async ({
      store,
      queue,
    }) => {
      for (const payload of payloads) {
        const id = await submitOne(store, newTask(queue, { spec: payload }));
        const first = await leaseOne(store, queue);
        expect(first.spec).toEqual(payload);
        const body = payload.subarray(0, 65_536);
        await store.append([{ taskId: id, fence: first.fence, entries: [{ bytes: body, progress: body }] }]);
        const suspended = { kind: "suspended", parents: [], resumeState: payload } as const;
        await store.finish([{ taskId: id, fence: first.fence, result: suspended }]);
        await settle(store);
        const next = await leaseOne(store, queue);
        expect(next.resumeState).toEqual(payload);
        const result = { kind: "succeeded", output: payload } as const;
        await store.finish([{ taskId: id, fence: next.fence, result }]);
        const record = await getOne(store, id);
        expect(record.output).toEqual(payload);
        expect(record.progress).toEqual(body);
        const page = await store.readLog({ taskId: id, from: 1, limit: 100 });
        expect(page!.entries.find((entry) => entry.body)!.body).toEqual(body);
      }
    });

    test("keeps odd strings in tenant, labels, parents, worker, reason and error", async ({
      store,
      queue,
    }) => {
      const odd = `it's "quoted" \\ \`; DROP TABLE task; -- {"a":[1]} % _ * ? \u0000 \n 日本 🦀 é`;
      const one = await submitOne(store, newTask(queue));
      const id = await submitOne(
        store,
        newTask(queue, {
          tenant: odd,
          fingerprint: odd,
          workflowId: odd,
          labels: { [odd]: odd, __proto: "x" },
          parents: [{ taskId: one, name: odd, condition: "FINISHED" }],
          retry: { ...newTask(queue).retry, errorsNotRetried: [odd] },
        }),
      );
      await store.cancel([{ taskId: one, reason: odd }]);
      await settle(store);
      const [leased] = await lease(store, queue, { workerId: odd });
      const error = { kind: odd, message: odd, retryable: true, detail: odd };
      const { fence } = leased!;
      await store.finish([{ taskId: id, fence, result: { kind: "failed", failure: error } }]);
      expect(await getOne(store, id)).toMatchObject({
        state: "FAILED",
        tenant: odd,
        workflowId: odd,
        labels: { [odd]: odd, __proto: "x" },
        parents: [{ taskId: one, name: odd, condition: "FINISHED" }],
        retry: { errorsNotRetried: [odd] },
        workerId: odd,
        error,
      });
      const log = await store.readLog({ taskId: one, from: 1, limit: 10 });
      expect(log!.entries.at(-1)!.change).toMatchObject({ state: "CANCELED", reason: odd });
      const listed = await store.list({ queues: [queue], tenant: odd, labels: { [odd]: odd }, limit: 5 });
      expect(listed.tasks.map((task) => task.id)).toEqual([id]);
      expect(await stateOf(store, id)).toBe("FAILED");
    });
  });
}

async function submitted(store: Parameters<typeof submitOne>[0], task: Parameters<typeof submitOne>[1]) {
  return getOne(store, await submitOne(store, task));
}

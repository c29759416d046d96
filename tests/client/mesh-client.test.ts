import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { TaskSpec, TaskState, type WatchTaskResponse } from "../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole } from "../../src/agent/role.ts";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { errorOf, gather, TestMesh } from "../support/mesh.ts";
import { failedForGood, failure, finish, leaseOne, succeeded, term } from "../support/tasks.ts";
import { line } from "./line.ts";

const role = (name: string) =>
  defineRole({ name, summary: "for tests", input: z.any(), output: z.unknown(), run: () => null });

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await TestMesh.start({ roles: [role("one"), role("many")] });
  client = mesh.client();
});
afterAll(() => mesh.close());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A task that a test's own worker holds. */
async function held(on = mesh, by = client) {
  const { id } = await by.submit("one");
  const task = await leaseOne(on.store, "one");
  expect(task.id).toBe(id);
  return { id, task };
}

describe("waiting", () => {
  test("answers with the output as soon as it is there, and for one that ended long ago at once", async () => {
    const { id, task } = await held();
    const waiting = client.result(id);
    await finish(mesh.store, term(task), succeeded);
    expect((await client.wait(id)).state).toBe(TaskState.SUCCEEDED);
    await waiting.catch(() => {});
  });

  test("ends at its timeout, saying that the task goes on", async () => {
    const { id, task } = await held();
    const began = performance.now();
    const error = await errorOf(client.result(id, { timeoutMs: 150 }));
    expect(error).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(error.message).toContain("did not end within 150 ms; it goes on");
    expect(performance.now() - began).toBeLessThan(1_000);
    await finish(mesh.store, term(task), succeeded);
  });

  test("ends when its signal aborts, then or before", async () => {
    const { id, task } = await held();
    const abort = new AbortController();
    const waiting = errorOf(client.wait(id, { signal: abort.signal, timeoutMs: 60_000 }));
    abort.abort();
    expect((await waiting).reason).toBe("CALL_CANCELED");
    expect((await errorOf(client.wait(id, { signal: abort.signal }))).reason).toBe("CALL_CANCELED");
    await finish(mesh.store, term(task), succeeded);
  });

  test("hundreds at once leave nothing behind", async () => {
    const { id, task } = await held();
    const abort = new AbortController();
    const waits = Array.from({ length: 200 }, () => client.wait(id, { signal: abort.signal }));
    await finish(mesh.store, term(task), succeeded);
    for (const done of await Promise.all(waits)) expect(done.id).toBe(id);
    expect(EventEmitter.getEventListeners(abort.signal, "abort")).toEqual([]);
  });
});

test("thousands of watches, each left at its end, do not cost the connection", async () => {
  const { id, task } = await held();
  await finish(mesh.store, term(task), succeeded);
  const one = mesh.client();
  const watchOne = async () => {
    for await (const { event } of one.watch(id)) if (event?.$case === "final") return event.value.state;
  };
  for (let round = 0; round < 30; round++) {
    const states = await Promise.all(Array.from({ length: 100 }, watchOne));
    expect(new Set(states)).toEqual(new Set([TaskState.SUCCEEDED]));
  }
});

describe("errors are typed", () => {
  test("a failed task's kind and message", async () => {
    const { id, task } = await held();
    const result = {
      ...failedForGood,
      failure: failure({ kind: "NO_TESTS", message: "none", retryable: false }),
    };
    await finish(mesh.store, term(task), result as never);
    const error = await errorOf(client.result(id));
    expect(error).toMatchObject({ reason: "TASK_FAILED", metadata: { task_id: id, kind: "NO_TESTS" } });
    expect(error.message).toBe(`${id} failed: NO_TESTS: none`);
  });

  test("a canceled task", async () => {
    const { id } = await client.submit("one");
    await client.cancel(id);
    expect((await errorOf(client.result(id))).reason).toBe("TASK_CANCELED");
  });

  test("no server: at once, with its address", async () => {
    const nobody = new MeshClient({ server: "127.0.0.1:1" });
    closers.push(() => nobody.close());
    for (const call of [
      () => nobody.submit("one"),
      () => nobody.wait("one.x"),
      () => gather(nobody.watch("one.x")),
      () => gather(nobody.list()),
      () => nobody.workflows.get("x"),
    ]) {
      const began = performance.now();
      const error = await errorOf(call());
      expect(error).toMatchObject({ reason: "SERVER_UNREACHABLE", code: "UNAVAILABLE" });
      expect(error.message).toContain("127.0.0.1:1");
      expect(performance.now() - began).toBeLessThan(2_000);
    }
  });

  test("a server that never answers: when the call's time is over", async () => {
    const deaf = createServer().listen(0, "127.0.0.1");
    const { port } = await new Promise<{ port: number }>((resolve) =>
      deaf.once("listening", () => resolve(deaf.address() as { port: number })),
    );
    const sleepy = new MeshClient({ server: `127.0.0.1:${port}`, timeoutMs: 300 });
    closers.push(
      () => sleepy.close(),
      () => deaf.close(),
    );
    const began = performance.now();
    expect((await errorOf(sleepy.get("one.x"))).code).toMatch(/DEADLINE_EXCEEDED|UNAVAILABLE/);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

test("a batch of more than a thousand is split, in order", async () => {
  const specs = Array.from({ length: 2_345 }, (_, nth) =>
    TaskSpec.fromPartial({ role: "many", title: String(nth), idempotencyKey: `split-${nth}` }),
  );
  const results = await client.submitSpecs(specs);
  expect(results.filter(({ taskId, existing }) => taskId && !existing)).toHaveLength(2_345);
  expect((await client.get(results[1_500]!.taskId)).spec?.title).toBe("1500");
  expect((await client.submitSpecs(specs)).map(({ taskId }) => taskId)).toEqual(
    results.map(({ taskId }) => taskId),
  );
  expect(await gather(client.list({ role: "many", pageSize: 500 }))).toHaveLength(2_345);
  let read = 0;
  for await (const _ of client.list({ role: "many", pageSize: 10 })) if (++read === 25) break;
  expect(read).toBe(25);
  expect(await client.submitAll([])).toEqual([]);
});

describe("a server that restarts", () => {
  const sequencesOf = (events: readonly WatchTaskResponse[]) =>
    events.flatMap(({ event }) => (event?.$case === "entry" ? [event.value.sequence] : []));

  test("while a task is watched: every entry arrives once, in order", async () => {
    const own = await TestMesh.start({ roles: [role("one")] });
    closers.push(() => own.close());
    const mine = own.client();
    const { id, task } = await held(own, mine);
    const seen: WatchTaskResponse[] = [];
    const heard = new Map<number, PromiseWithResolvers<void>>();
    const at = (sequence: number) => {
      const waiting = heard.get(sequence) ?? Promise.withResolvers<void>();
      heard.set(sequence, waiting);
      return waiting;
    };
    const watching = (async () => {
      for await (const event of mine.watch(id)) {
        seen.push(event);
        if (event.event?.$case === "entry") at(event.event.value.sequence).resolve();
      }
    })();
    await at(2).promise;
    for (let round = 0; round < 3; round++) {
      await own.store.append([{ ...term(task), entries: [line(`before ${round}`), line("x")] }]);
      await at(4 + 3 * round).promise;
      await own.down();
      await own.up();
      await own.store.append([{ ...term(task), entries: [line(`after ${round}`)] }]);
      await at(5 + 3 * round).promise;
    }
    await finish(own.store, term(task), succeeded);
    await watching;
    expect(sequencesOf(seen)).toEqual(Array.from({ length: 12 }, (_, nth) => nth + 1));
    expect(seen.at(-1)?.event).toMatchObject({ $case: "final", value: { state: TaskState.SUCCEEDED } });
  });

  test("while a task that tells nothing is waited for", async () => {
    const own = await TestMesh.start({ roles: [role("one")] });
    closers.push(() => own.close());
    const mine = own.client();
    const { id, task } = await held(own, mine);
    const waiting = mine.wait(id);
    const watching = gather(mine.watch(id, { from: 3 }));
    await own.down();
    const begunWhileDown = mine.wait(id);
    const given = errorOf(mine.wait(id, { timeoutMs: 300 }));
    expect((await given).code).toMatch(/UNAVAILABLE|DEADLINE_EXCEEDED/);
    await own.up();
    await finish(own.store, term(task), succeeded);
    expect((await waiting).state).toBe(TaskState.SUCCEEDED);
    expect((await begunWhileDown).state).toBe(TaskState.SUCCEEDED);
    expect(sequencesOf(await watching)).toEqual([3]);
  });
});

test("waiting ends in its time, or when it is given up, also where nothing answers at all", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const client = new MeshClient({ server: `127.0.0.1:${(silent.address() as AddressInfo).port}` });
  onTestFinished(() => {
    client.close();
    silent.close();
  });
  await expect(client.wait("testing.1", { timeoutMs: 50 })).rejects.toMatchObject({
    reason: "DEADLINE_EXCEEDED",
  });
  const signal = AbortSignal.timeout(50);
  await expect(client.wait("testing.1", { signal })).rejects.toMatchObject({ reason: "CALL_CANCELED" });
});

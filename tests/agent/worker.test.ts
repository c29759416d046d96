import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole, type RoleDefinition, type TaskContext } from "../../src/agent/role.ts";
import type { MeshClient } from "../../src/client/mesh-client.ts";
import { RetryableError, TerminalError } from "../../src/core/errors.ts";
import { errorOf, Gate, gather, stateName, TestMesh } from "../support/mesh.ts";

type Run = RoleDefinition<Record<string, unknown>, unknown>["run"];
const any = z.record(z.string(), z.unknown());

const role = (name: string, run: Run, more: Partial<RoleDefinition<Record<string, unknown>, unknown>> = {}) =>
  defineRole({
    name,
    summary: "for tests",
    input: any,
    output: z.unknown(),
    retry: { attempts: 3, backoffMs: 1, backoffMaxMs: 1 },
    run,
    ...more,
  });

/** Handlers that a test puts in place for one task, by the key in its input. */
const handlers = new Map<unknown, (task: TaskContext, input: Record<string, unknown>) => unknown>();
const handled: Run = (input, task) => handlers.get(input.key)?.(task, input);
let keys = 0;

const roles = [
  role("echo", (input, task) => ({ ...input, by: task.role, attempt: task.attempt, tenant: task.tenant })),
  role("any", handled, { concurrency: 50 }),
  role("narrow", handled, { concurrency: 3 }),
  role("child", handled, { concurrency: 10 }),
  role("strict", (input) => (input.wrong ? { n: "x" } : { n: 1 }), {
    input: z.object({ n: z.number().optional(), wrong: z.boolean().optional() }) as never,
    output: z.object({ n: z.number() }),
  }),
  role("brief", handled, { lease: { seconds: 1 }, concurrency: 10 }),
];

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await TestMesh.start({ roles });
  client = mesh.client();
  mesh.work();
});
afterAll(() => mesh.close());

/** Objects within each other. */
function nested(levels: number): object {
  let value = {};
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

/** Submits a task whose handler is given here. */
async function run(
  handler: (task: TaskContext) => unknown,
  where = "any",
  more: object = {},
): Promise<string> {
  const key = ++keys;
  handlers.set(key, handler);
  return (await client.submit(where, { key }, more)).id;
}
const ended = (id: string) => client.wait(id, { timeoutMs: 15_000 });
const aborted = (task: TaskContext) =>
  new Promise<number>((resolve) => task.signal.addEventListener("abort", () => resolve(performance.now())));

describe("a task's end", () => {
  test("the handler's output, with who ran it as what", async () => {
    const { id } = await client.submit("echo", { a: [1, { b: null }] }, { tenant: "t" });
    expect(await client.result(id)).toEqual({ a: [1, { b: null }], by: "echo", attempt: 1, tenant: "t" });
  });

  test.each([
    ["nothing", undefined, undefined],
    ["null", null, null],
    ["a text", "x", "x"],
    ["a list", [1, "a"], [1, "a"]],
    ["bytes", new Uint8Array([1, 2]), Buffer.from([1, 2])],
  ])("%s is an output", async (_, answer, wanted) => {
    expect(await client.result(await run(() => answer))).toEqual(wanted);
  });

  test.each([25, 40, 1_000])("an object of %i levels is an output, and an input", async (levels) => {
    const output = await client.result<object>(await run(() => nested(levels)));
    expect(JSON.stringify(output)).toBe(JSON.stringify(nested(levels)));
    const { id } = await client.submit("echo", { a: nested(levels - 1) });
    const echoed = await client.result<{ a: unknown }>(id);
    expect(JSON.stringify(echoed.a)).toBe(JSON.stringify(nested(levels - 1)));
  });

  test("an input of too many levels is refused by its name", async () => {
    const refused = { reason: "INVALID_FIELD", fields: [{ field: "input" }] };
    expect(await errorOf(Promise.resolve().then(() => client.submit("echo", nested(5_000))))).toMatchObject(
      refused,
    );
  });

  test.each<[string, () => unknown, string, RegExp]>([
    ["a BigInt in an object", () => ({ n: 1n }), "INVALID_OUTPUT", /cannot be written/],
    ["a BigInt", () => 1n, "INVALID_OUTPUT", /cannot be written/],
    [
      "a circle",
      () => {
        const circle: Record<string, unknown> = {};
        circle.me = circle;
        return circle;
      },
      "INVALID_OUTPUT",
      /cannot be written/,
    ],
    ["an endless nest", () => nested(2_000), "INVALID_OUTPUT", /output: is nested more than 1000 levels/],
    [
      "too much",
      () => "x".repeat(1_100_000),
      "OUTPUT_TOO_LARGE",
      /at most 1048576 are allowed \(payload.maxBytes, payload.bodyBytesMax\)/,
    ],
  ])("%s is a failure of the role, and the worker works on", async (_, answer, kind, words) => {
    const { state, error, attempt } = await ended(await run(answer));
    expect(stateName(state)).toBe("FAILED");
    expect(error).toMatchObject({ kind, retryable: false, message: expect.stringMatching(words) });
    expect(attempt).toBe(1);
    expect(await client.result(await run(() => "fine"))).toBe("fine");
  });

  test("an output that does not fit its schema fails for good", async () => {
    const { id } = await client.submit("strict", { wrong: true });
    const { error, attempt } = await ended(id);
    expect(error).toMatchObject({ kind: "INVALID_OUTPUT", message: expect.stringContaining("output.n: ") });
    expect(attempt).toBe(1);
  });

  test("an input that no longer fits when it is rendered fails for good", async () => {
    const parent = await run(() => ({ n: "not a number" }));
    const [child] = await client.submitSpecs([
      {
        ...(await client.get((await client.submit("strict", {})).id)).spec!,
        renderInput: true,
        input: { body: { $case: "json", value: { n: "$" + "{{ p.n }}" } }, contentType: "" },
        dependencies: [{ taskId: parent, name: "p", condition: 0 }],
      },
    ]);
    expect((await ended(child!.taskId)).error).toMatchObject({
      kind: "INVALID_INPUT",
      message: expect.stringContaining("input.n: "),
    });
  });

  test("TerminalError is not retried", async () => {
    const { error, attempt, state } = await ended(
      await run(() => {
        throw new TerminalError("noTests", "none there");
      }),
    );
    expect({ kind: error?.kind, message: error?.message, attempt }).toEqual({
      kind: "NO_TESTS",
      message: "none there",
      attempt: 1,
    });
    expect(state).toBe(TaskState.FAILED);
  });

  test("RetryableError is tried again when it says", async () => {
    const times: number[] = [];
    const id = await run(() => {
      times.push(performance.now());
      if (times.length < 2) throw new RetryableError("BUSY", "later", { delayMs: 300 });
      return "now";
    });
    expect(await client.result(id)).toBe("now");
    expect(times[1]! - times[0]!).toBeGreaterThan(290);
    expect((await client.get(id)).attempt).toBe(2);
  });

  test("any other error is tried again until the attempts are used, then stands in the dead-letter set", async () => {
    let calls = 0;
    const id = await run(() => {
      calls += 1;
      throw new Error(`fault ${calls}`);
    });
    const { error, attempt } = await ended(id);
    expect({ calls, attempt }).toEqual({ calls: 3, attempt: 3 });
    expect(error).toMatchObject({ kind: "ROLE_ERROR", message: "fault 3", retryable: true });
    expect(error?.detail).toContain("worker.test.ts");
    const dead = await gather(client.list({ role: "any", deadLetter: true }));
    expect(dead.map((task) => task.id)).toContain(id);
    expect((await errorOf(client.result(id))).metadata).toMatchObject({ kind: "ROLE_ERROR" });
  });
});

test("no more run at once than the role's concurrency, and none is left over", async () => {
  let [running, most] = [0, 0];
  const gate = new Gate();
  const ids = await Promise.all(
    Array.from({ length: 30 }, () =>
      run(async () => {
        most = Math.max(most, ++running);
        await gate.pass();
        await pause(1);
        running -= 1;
      }, "narrow"),
    ),
  );
  await gate.reached(3);
  expect((await client.queues(["narrow"]))[0]).toMatchObject({ running: 3, queued: 27 });
  gate.open();
  await Promise.all(ids.map((id) => client.result(id)));
  expect(most).toBe(3);
});

test("a thousand tasks each run once", async () => {
  const ran = new Map<string, number>();
  const key = ++keys;
  handlers.set(key, ({ id }) => void ran.set(id, (ran.get(id) ?? 0) + 1));
  const made = await client.submitAll(Array.from({ length: 1_000 }, () => ({ role: "any", input: { key } })));
  await Promise.all(made.map(({ taskId }) => ended(taskId)));
  expect(ran.size).toBe(1_000);
  expect([...ran.values()].every((count) => count === 1)).toBe(true);
});

describe("what a handler tells", () => {
  test("stands in the task's log in order, huge lines cut", async () => {
    const id = await run((task) => {
      task.log("one");
      task.progress(0.5, "half");
      task.emit("chunk", "part");
      task.usage({ tokens: 5, usd: 0.25 });
      task.log("x".repeat(100_000), "warn");
      task.usage({ tokens: 1 });
      return "done";
    });
    const told: string[] = [];
    for await (const { event } of client.watch(id)) {
      if (event?.$case !== "entry") continue;
      const { entry } = event.value;
      if (entry?.$case === "state") told.push(stateName(entry.value.state));
      else if (entry?.$case === "line") told.push(`${entry.value.text.length} characters`);
      else told.push(entry?.$case ?? "");
    }
    expect(told).toEqual([
      "QUEUED",
      "RUNNING",
      "3 characters",
      "progress",
      "chunk",
      "usage",
      told[6],
      "usage",
      "SUCCEEDED",
    ]);
    expect(Number(told[6]?.split(" ")[0])).toBeLessThan(8_300);
    expect((await client.get(id)).usage).toEqual({ tokens: 6, usdMicros: 250_000 });
  });

  test("reaches a watcher while the handler runs", async () => {
    const gate = new Gate();
    const id = await run(async (task) => {
      task.log("under way");
      await gate.pass();
    });
    for await (const { event } of client.watch(id)) {
      if (event?.$case === "entry" && event.value.entry?.$case === "line") gate.open();
      if (event?.$case === "final") expect(event.value.state).toBe(TaskState.SUCCEEDED);
    }
  });

  test("fifty megabytes in one turn break no stream", async () => {
    const id = await run((task) => {
      for (let nth = 0; nth < 1_600; nth++) task.emit(Buffer.alloc(32_000));
      return "done";
    });
    const beside = await run(() => "beside");
    expect(await client.result(id)).toBe("done");
    expect(await client.result(beside)).toBe("beside");
    expect((await client.get(id)).attempt).toBe(1);
  });

  test("what cannot be counted is not", async () => {
    const id = await run((task) => task.usage({ tokens: 0.5, usd: Number.NaN }));
    expect((await ended(id)).usage).toEqual({ tokens: 1, usdMicros: 0 });
  });
});

describe("cancellation", () => {
  test("reaches the handler's signal within a second; what it answers then is nobody's", async () => {
    const gate = new Gate();
    const seen = Promise.withResolvers<number>();
    const id = await run(async (task) => {
      void aborted(task).then(seen.resolve);
      await gate.pass();
      await seen.promise;
      return "too late";
    });
    await gate.reached();
    gate.open();
    const began = performance.now();
    await mesh.client(mesh.addressOf("child")).cancel(id);
    expect((await seen.promise) - began).toBeLessThan(1_000);
    expect(await errorOf(client.result(id))).toMatchObject({ reason: "TASK_CANCELED" });
  });

  test("a handler that does not listen keeps its slot until it ends, and no longer", async () => {
    const gates = [new Gate(), new Gate(), new Gate()];
    const ids = await Promise.all(gates.map((gate) => run(() => gate.pass(), "narrow")));
    await Promise.all(gates.map((gate) => gate.reached()));
    for (const id of ids) await client.cancel(id);
    const waiting = await Promise.all(Array.from({ length: 3 }, () => run(() => "ran", "narrow")));
    for (const gate of gates) gate.open();
    for (const id of waiting) expect(await client.result(id)).toBe("ran");
  });

  test("a canceled task that is retried at once runs beside its old handler, and no slot is lost", async () => {
    for (let round = 0; round < 4; round++) {
      const old = new Gate();
      let runs = 0;
      const id = await run(async () => {
        runs += 1;
        if (runs === 1) await old.pass();
        return runs;
      }, "narrow");
      await old.reached();
      await client.cancel(id);
      await client.retry(id);
      expect(await client.result(id)).toBe(2);
      old.open();
    }
    const gate = new Gate();
    const three = await Promise.all([1, 2, 3].map(() => run(() => gate.pass(), "narrow")));
    await gate.reached(3);
    gate.open();
    await Promise.all(three.map(ended));
  });
});

describe("timeouts", () => {
  const failed = async (id: string) => {
    const task = await ended(id);
    return { state: stateName(task.state), kind: task.error?.kind, attempt: task.attempt };
  };

  test("to finish: the signal aborts, the store says what it was, and another attempt may do better", async () => {
    const seen = Promise.withResolvers<unknown>();
    let attempts = 0;
    const id = await run(
      async (task) => {
        if (++attempts === 2) return "in time";
        task.signal.addEventListener("abort", () => seen.resolve(task.signal.reason));
        await seen.promise;
        return "too late";
      },
      "any",
      { timeouts: { toFinishMs: 300 } },
    );
    const began = performance.now();
    expect(String(await seen.promise)).toContain("its timeout to finish has passed");
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await client.result(id)).toBe("in time");
    const entries = (await gather(client.watch(id))).flatMap(({ event }) =>
      event?.$case === "entry" && event.value.entry?.$case === "state" ? event.value.entry.value.reason : [],
    );
    expect(entries.join()).toContain("FINISH_TIMEOUT");
  });

  test("to finish fails the task with the last attempt; the handler that does not listen changes nothing", async () => {
    const gate = new Gate();
    const id = await run(() => gate.pass(), "any", { timeouts: { toFinishMs: 200 }, attemptsMax: 1 });
    expect(await failed(id)).toEqual({ state: "FAILED", kind: "FINISH_TIMEOUT", attempt: 1 });
    gate.open();
  });

  test("of a heartbeat is renewed by what the handler tells, and by nothing else", async () => {
    const timeouts = { heartbeatMs: 400 };
    const silent = new Gate();
    const quiet = await run(() => silent.pass(), "any", { timeouts, attemptsMax: 1 });
    const telling = await run(
      async (task) => {
        for (let step = 0; step < 8; step++) {
          task.progress(step / 8);
          await pause(100, undefined, { signal: task.signal });
        }
        return "told";
      },
      "any",
      { timeouts, attemptsMax: 1 },
    );
    expect(await client.result(telling)).toBe("told");
    expect(await failed(quiet)).toMatchObject({ kind: "HEARTBEAT_TIMEOUT" });
    silent.open();
  });

  test("to start fails a task that no worker can take", async () => {
    const workerLabels = { gpu: "h100" };
    const id = await run(() => null, "any", { workerLabels, timeouts: { toStartMs: 300 } });
    expect(await failed(id)).toEqual({ state: "FAILED", kind: "START_TIMEOUT", attempt: 0 });
  });
});

test("a worker with labels is given the tasks that ask for them", async () => {
  const id = await run((task) => task.id, "any", { workerLabels: { zone: "b" } });
  mesh.work({ roles: ["any"], labels: { zone: "b", gpu: "h100" } });
  expect(await client.result(id, { timeoutMs: 15_000 })).toBe(id);
  expect((await client.get(id)).spec?.workerLabels).toEqual({ zone: "b" });
});

describe("task.call", () => {
  test("answers with the child's output; the child has the parent's tenant and priority", async () => {
    const id = await run((task) => task.call("echo", { x: 1 }), "any", { tenant: "t", priority: 8 });
    expect(await client.result(id)).toMatchObject({ x: 1, by: "echo", tenant: "t" });
  });

  test("finds the children of the attempt before", async () => {
    let [attempts, children] = [0, 0];
    const key = ++keys;
    handlers.set(key, () => ++children);
    const id = await run(async (task) => {
      const answers = [await task.call("child", { key }), await task.call("child", { key })];
      if (++attempts < 3) throw new Error("again");
      return answers;
    });
    expect(await client.result(id)).toEqual([1, 2]);
    expect({ attempts, children }).toEqual({ attempts: 3, children: 2 });
  });

  test("a child's failure is the parent's, not retried", async () => {
    const key = ++keys;
    handlers.set(key, () => {
      throw new TerminalError("NOPE", "no");
    });
    const { error, attempt } = await ended(await run((task) => task.call("child", { key })));
    expect({ kind: error?.kind, attempt }).toEqual({ kind: "TASK_FAILED", attempt: 1 });
    expect(error?.message).toContain("NOPE");
  });

  test("cancel passes on to the child", async () => {
    const key = ++keys;
    const gate = new Gate();
    const seen = Promise.withResolvers<number>();
    let childId = "";
    handlers.set(key, async (task) => {
      childId = task.id;
      void aborted(task).then(seen.resolve);
      await gate.pass();
      await seen.promise;
    });
    const id = await run((task) => task.call("child", { key }));
    await gate.reached();
    gate.open();
    await client.cancel(id);
    await seen.promise;
    expect(stateName((await ended(childId)).state)).toBe("CANCELED");
  });
});

describe("suspension", () => {
  test("the task waits without a worker, then runs again with what it left", async () => {
    const gate = new Gate();
    const key = ++keys;
    handlers.set(key, () => gate.pass());
    let runs = 0;
    const id = await run(async (task) => {
      runs += 1;
      if (task.resumed) return { resumed: task.resumed, attempt: task.attempt };
      const child = await task.mesh.submit("child", { key });
      return task.suspend([child.id], { child: child.id });
    });
    await gate.reached();
    for await (const { event } of client.watch(id))
      if (
        event?.$case === "entry" &&
        event.value.entry?.$case === "state" &&
        event.value.entry.value.state === TaskState.BLOCKED
      )
        break;
    expect(runs).toBe(1);
    gate.open();
    expect(await client.result(id)).toMatchObject({ resumed: { child: expect.any(String) }, attempt: 1 });
    expect(runs).toBe(2);
  });

  test("on what has ended already it runs again at once, however that ended", async () => {
    const failed = await run(() => {
      throw new TerminalError("NOPE", "");
    });
    await ended(failed);
    const id = await run((task) => task.resumed ?? task.suspend([failed], { again: true }));
    expect(await client.result(id)).toEqual({ again: true });
  });

  test("a state that cannot be kept fails the task", async () => {
    const huge = await ended(await run((task) => task.suspend([], { x: "x".repeat(1_100_000) })));
    expect(huge.error?.kind).toBe("OUTPUT_TOO_LARGE");
    const odd = await ended(await run((task) => task.suspend([], { n: 1n })));
    expect(odd.error?.kind).toBe("INVALID_OUTPUT");
  });
});

describe("leases", () => {
  test("a task of three lease lengths keeps its lease", async () => {
    let runs = 0;
    const id = await run(async () => {
      runs += 1;
      await pause(3_000);
      return "kept";
    }, "brief");
    expect(await client.result(id)).toBe("kept");
    expect({ runs, attempt: (await client.get(id)).attempt }).toEqual({ runs: 1, attempt: 1 });
  });
});

describe("draining", () => {
  test("lets what runs end and takes nothing more", async () => {
    const own = await TestMesh.start({ roles });
    const pool = own.work({ roles: ["narrow"] });
    const gate = new Gate();
    const key = ++keys;
    handlers.set(key, () => gate.pass());
    const { id } = await own.client().submit("narrow", { key });
    await gate.reached();
    const drained = pool.drain(10_000);
    const { id: later } = await own.client().submit("narrow", { key });
    gate.open();
    await drained;
    expect(stateName((await own.client().get(id)).state)).toBe("SUCCEEDED");
    expect(await own.client().get(later)).toMatchObject({ state: TaskState.QUEUED, attempt: 0 });
    await own.close();
  });

  test("gives back what does not end in time: the attempt does not count, its children live on", async () => {
    const own = await TestMesh.start({ roles });
    const mine = own.client();
    const [parents, children] = [own.work({ roles: ["narrow"] }), own.work({ roles: ["child"] })];
    const gate = new Gate();
    const childKey = ++keys;
    handlers.set(childKey, async () => {
      await gate.pass();
      return "from the child";
    });
    const key = ++keys;
    handlers.set(key, (task) => task.call("child", { key: childKey }));
    const { id } = await mine.submit("narrow", { key });
    await gate.reached();
    const began = performance.now();
    await parents.drain(50);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await mine.get(id)).toMatchObject({ state: TaskState.QUEUED, attempt: 0 });
    expect(parents.disconnected()).toEqual(["narrow"]);
    own.work({ roles: ["narrow"] });
    gate.open();
    expect(await mine.result(id)).toBe("from the child");
    expect(await mine.get(id)).toMatchObject({ attempt: 1 });
    expect(await gather(mine.list({ role: "child" }))).toHaveLength(1);
    await children.drain(0);
    await own.close();
  });

  test("under a flood every task runs, and no attempt is lost to a worker that goes", async () => {
    const own = await TestMesh.start({ roles });
    const mine = own.client();
    const key = ++keys;
    handlers.set(key, () => pause(1));
    const made = await mine.submitAll(
      Array.from({ length: 600 }, () => ({ role: "narrow", input: { key } })),
    );
    for (let round = 0; round < 15; round++) {
      const pool = own.work({ roles: ["narrow"] });
      await expect.poll(() => pool.disconnected(), { interval: 1 }).toEqual([]);
      await pool.drain(5_000);
    }
    own.work({ roles: ["narrow"], concurrency: 50 });
    const tasks = await Promise.all(made.map(({ taskId }) => mine.wait(taskId)));
    expect(tasks.filter(({ attempt, state }) => attempt !== 1 || state !== TaskState.SUCCEEDED)).toEqual([]);
    await own.close();
  });

  test("a worker leaves a server that drains as soon as it holds nothing, and comes back to the next", async () => {
    const own = await TestMesh.start({ roles });
    const mine = own.client();
    const pool = own.work({ roles: ["narrow", "echo"] });
    const gate = new Gate();
    const key = ++keys;
    handlers.set(key, async () => {
      await gate.pass();
      return "through";
    });
    const { id } = await mine.submit("narrow", { key });
    await gate.reached();
    const began = performance.now();
    const down = own.down(20_000);
    await expect.poll(() => pool.disconnected()).toContain("echo");
    gate.open();
    await down;
    expect(performance.now() - began).toBeLessThan(5_000);
    await own.up();
    expect((await mine.wait(id)).attempt).toBe(1);
    const again = await mine.submit("echo", {});
    expect(await mine.result(again.id)).toMatchObject({ attempt: 1 });
    await own.close();
  });
});

describe("a server that goes", () => {
  test("and comes back: what runs completes once, what was told meanwhile is not lost", async () => {
    const own = await TestMesh.start({ roles });
    const mine = own.client();
    own.work({ roles: ["narrow"] });
    const gates = [new Gate(), new Gate()];
    const runs = [0, 0];
    const ids = await Promise.all(
      gates.map(async (gate, nth) => {
        const key = ++keys;
        handlers.set(key, async (task) => {
          runs[nth]! += 1;
          await gate.pass();
          task.log("told while no server was there");
          return nth;
        });
        return (await mine.submit("narrow", { key })).id;
      }),
    );
    const [during, after] = gates as [Gate, Gate];
    await Promise.all(gates.map((gate) => gate.reached()));
    const watched = gather(mine.watch(ids[0]!));
    await own.down();
    during.open();
    await pause(100);
    await own.up();
    expect(await mine.result(ids[0]!)).toBe(0);
    after.open();
    expect(await mine.result(ids[1]!)).toBe(1);
    expect(runs).toEqual([1, 1]);
    for (const id of ids) {
      expect((await mine.get(id)).attempt).toBe(1);
      expect(JSON.stringify(await gather(mine.watch(id))).match(/no server was there/g)).toHaveLength(1);
    }
    const sequences = (await watched).flatMap(({ event }) =>
      event?.$case === "entry" ? [event.value.sequence] : [],
    );
    expect(sequences).toEqual(sequences.map((_, nth) => nth + 1));
    await own.close();
  });

  test("for longer than the lease: the handler is stopped, and the task runs again", async () => {
    const own = await TestMesh.start({ roles });
    const mine = own.client();
    own.work({ roles: ["brief"] });
    const gate = new Gate();
    const stopped = Promise.withResolvers<void>();
    const key = ++keys;
    let runs = 0;
    handlers.set(key, async (task) => {
      if (++runs > 1) return "second";
      task.signal.addEventListener("abort", () => stopped.resolve());
      await gate.pass();
      return "first";
    });
    const { id } = await mine.submit("brief", { key });
    await gate.reached();
    await own.down();
    await stopped.promise;
    await own.up();
    expect(await mine.result(id, { timeoutMs: 10_000 })).toBe("second");
    gate.open();
    await own.close();
  });

  test("with twenty large ends unanswered: all of them are told to the next one", async () => {
    const own = await TestMesh.start({ roles });
    const mine = own.client();
    own.work({ roles: ["any"] });
    const gate = new Gate();
    const key = ++keys;
    handlers.set(key, async () => {
      await gate.pass();
      return "x".repeat(1_000_000);
    });
    const made = await mine.submitAll(Array.from({ length: 20 }, () => ({ role: "any", input: { key } })));
    await gate.reached(20);
    await own.down();
    gate.open();
    await pause(50);
    await own.up();
    const tasks = await Promise.all(made.map(({ taskId }) => mine.wait(taskId, { timeoutMs: 15_000 })));
    expect(tasks.map(({ state, attempt }) => `${stateName(state)} ${attempt}`)).toEqual(
      tasks.map(() => "SUCCEEDED 1"),
    );
    await own.close();
  });
});

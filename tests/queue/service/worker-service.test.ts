// biome-ignore-all lint/suspicious/noTemplateCurlyInString: inputs hold templates
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { LogEntry, TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import {
  type Lease,
  type LeaseTerm,
  type TaskOutcome,
  WorkerServiceService,
  WorkRequest,
  WorkResponse,
} from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { defineRole } from "../../../src/agent/role.ts";
import { catalogOf } from "../../../src/agent/role-catalog.ts";
import type { MeshClient } from "../../../src/client/mesh-client.ts";
import type { Encoded } from "../../../src/core/call.ts";
import { silentLogger } from "../../../src/core/log.ts";
import { fromPayload, toPayload } from "../../../src/core/payload.ts";
import { workerService } from "../../../src/queue/service/worker-service.ts";
import type { Connection } from "../../../src/rpc/connection.ts";
import { errorOf, gather, stateName, TestMesh, WorkStream } from "../../support/mesh.ts";
import { uniqueQueue } from "../../support/tasks.ts";

const roles = Array.from({ length: 40 }, () =>
  defineRole({
    name: uniqueQueue("w"),
    summary: "for tests",
    input: z.any(),
    output: z.unknown(),
    retry: { backoffMs: 1, backoffMaxMs: 1 },
    run: () => null,
  }),
);
let used = 0;
let mesh: TestMesh;
let client: MeshClient;
let connection: Connection;
const timeoutMs = 15_000;

beforeAll(async () => {
  mesh = await TestMesh.start({ roles });
  client = mesh.client();
  connection = mesh.connection();
});
afterAll(() => mesh.close());

/** A queue that no other test uses. */
const freshRole = () => roles[used++]!.name;
const open = (role: string, hello: Parameters<typeof streamOn>[2] = {}) => streamOn(connection, role, hello);
const streamOn = (on: Connection, role: string, hello: ConstructorParameters<typeof WorkStream>[1]) =>
  new WorkStream(on, { role, ...hello });
const seconds = (count: number) => ({ seconds: count, nanos: 0 });
const stateOf = async (id: string) => stateName((await client.get(id)).state);
const line = (text: string) => LogEntry.create({ entry: { $case: "line", value: { level: 2, text } } });
const success = (term: LeaseTerm | undefined, output: unknown = { ok: true }): TaskOutcome => ({
  term,
  result: { $case: "succeeded", value: { output: toPayload(output) } },
  usage: undefined,
});
const termIn = (lease: Lease | undefined): LeaseTerm => lease?.term as LeaseTerm;

async function submitted(role: string, count = 1): Promise<string[]> {
  const results = await client.submitAll(Array.from({ length: count }, (_, n) => ({ role, input: { n } })));
  return results.map(({ taskId }) => taskId);
}

/** A stream that holds one task. */
async function holding(role: string, hello: Parameters<typeof open>[1] = {}) {
  const [id] = (await submitted(role)) as [string];
  const stream = open(role, hello);
  stream.say({ credit: 1 });
  const [lease] = await stream.next("leases");
  return { id, stream, term: termIn(lease) };
}

describe("hello", () => {
  test("is answered with what the server holds to", async () => {
    const stream = open(freshRole(), { lease: seconds(7) });
    await stream.until(() => stream.heard.length > 0, "welcome");
    expect(stream.heard[0]?.welcome).toMatchObject({
      lease: seconds(7),
      payloadBytesMax: 1_048_576,
      logEntryBytesMax: 65_536,
    });
    stream.end();
    expect(await stream.ended).toBeUndefined();
  });

  test.each<[string, object, string, string]>([
    ["an unknown role", { role: "nobody" }, "hello.role", "UNKNOWN_ROLE"],
    ["no worker id", { workerId: "" }, "hello.worker_id", "INVALID_FIELD"],
    ["a line's end in its worker id", { workerId: "a\nb" }, "hello.worker_id", "INVALID_FIELD"],
    ["a label with no name", { labels: { "": "1" } }, "hello.labels (a name)", "INVALID_FIELD"],
    ["a label with a = in its name", { labels: { "a=b": "1" } }, "hello.labels (a name)", "INVALID_FIELD"],
    ["a long worker id", { workerId: "x".repeat(129) }, "hello.worker_id", "INVALID_FIELD"],
    ["a lease below a second", { lease: { seconds: 0, nanos: 999_000_000 } }, "hello.lease", "INVALID_FIELD"],
    ["a lease above an hour", { lease: seconds(3_601) }, "hello.lease", "INVALID_FIELD"],
  ])("with %s ends the stream", async (_, hello, field, reason) => {
    const stream = open(roles[0]!.name, hello);
    expect(await stream.ended).toMatchObject({ reason, fields: [{ field }] });
  });

  test("is required first and welcome once", async () => {
    const silent = new WorkStream(connection);
    silent.say({ credit: 1 });
    expect(String(await silent.ended)).toContain("hello: is required in the first message");
    const twice = open(freshRole());
    const hello = {
      role: roles[0]!.name,
      workerId: "w1",
      version: "",
      slots: 1,
      labels: {},
      lease: undefined,
    };
    twice.say({ hello });
    expect(String(await twice.ended)).toContain("hello: belongs in the first message only");
  });
});

describe("credit", () => {
  test("is never exceeded, and a finish does not restore it by itself", async () => {
    const role = freshRole();
    await submitted(role, 10);
    const stream = open(role);
    stream.say({ credit: 3 });
    const leases = await stream.next("leases", 3);
    stream.say({ finish: leases.map(({ term }) => success(term)) });
    await stream.next("finished", 3);
    expect(stream.all("leases")).toHaveLength(3);
    stream.say({ credit: 2 });
    await stream.next("leases", 5);
    stream.say({ renew: stream.all("leases").slice(3).map(termIn) });
    await stream.next("renewed", 2);
    expect(stream.all("leases")).toHaveLength(5);
    stream.cancel();
  });

  test("a task is pushed as soon as it is submitted", async () => {
    const role = freshRole();
    const stream = open(role);
    stream.say({ credit: 1 });
    await stream.until(() => stream.heard.length > 0, "welcome");
    const began = performance.now();
    const { id } = await client.submit(role, { x: [1, "two"] }, { priority: 7, tenant: "t" });
    const [lease] = await stream.next("leases");
    expect(performance.now() - began).toBeLessThan(500);
    expect(lease).toMatchObject({
      term: { taskId: id },
      attempt: 1,
      lease: seconds(30),
      resumeState: undefined,
    });
    expect(lease?.spec).toMatchObject({ priority: 7, tenant: "t", input: undefined });
    expect(fromPayload(lease?.input)).toEqual({ x: [1, "two"] });
    stream.cancel();
  });

  test.each([
    ["negative", [-1]],
    ["too much at once", [10_001]],
    ["too much in parts", [6_000, 4_001]],
  ])("that is %s ends the stream", async (_, amounts) => {
    const stream = open(freshRole());
    for (const credit of amounts) {
      stream.say({ credit });
      await new Promise(setImmediate);
    }
    expect(await stream.ended).toMatchObject({ fields: [{ field: "credit" }] });
  });

  test("leases of large inputs come in messages that a worker can take", async () => {
    const role = freshRole();
    const text = "x".repeat(1_000_000);
    for (let batch = 0; batch < 3; batch++)
      await client.submitAll(Array.from({ length: 8 }, () => ({ role, input: { text } })));
    const stream = open(role);
    stream.say({ credit: 24 });
    expect(new Set((await stream.next("leases", 24)).map(({ term }) => term?.taskId)).size).toBe(24);
    stream.cancel();
  });
});

describe("reports", () => {
  test("a renewal moves the lease's end; a stale one is refused and changes nothing", async () => {
    const { id, stream, term } = await holding(freshRole(), { lease: seconds(5) });
    const before = (await client.get(id)).leaseExpireTime?.getTime() as number;
    const stale = [
      { ...term, fence: term.fence + 1 },
      { taskId: "none.x", fence: 1 },
    ];
    stream.say({ renew: [term, ...stale] });
    const renewed = await stream.next("renewed", 3);
    expect(renewed.map(({ accepted }) => accepted)).toEqual([true, false, false]);
    expect(renewed[1]).toMatchObject({ refusal: { reason: "LEASE_LOST" }, state: TaskState.RUNNING });
    expect((await client.get(id)).leaseExpireTime?.getTime()).toBeGreaterThanOrEqual(before);
    stream.cancel();
  });

  test("log entries stand before the end that was sent with them, in order", async () => {
    const { id, stream, term } = await holding(freshRole());
    const texts = Array.from({ length: 200 }, (_, nth) => `line ${nth}`);
    for (const text of texts) stream.say({ append: [{ term, entries: [line(text)] }] });
    const usage = LogEntry.create({ entry: { $case: "usage", value: { tokens: 3, usdMicros: 500_000 } } });
    const progress = LogEntry.create({
      entry: { $case: "progress", value: { fraction: 0.5, message: "half" } },
    });
    stream.say({ finish: [success(term)], append: [{ term, entries: [usage, progress] }] });
    expect(await stream.next("finished")).toMatchObject([{ accepted: true, state: TaskState.SUCCEEDED }]);
    const log = await gather(client.watch(id));
    const said = log.flatMap(({ event }) => (event?.$case === "entry" ? [event.value] : []));
    expect(said.map(({ sequence }) => sequence)).toEqual(said.map((_, nth) => nth + 1));
    expect(said.map(({ entry }) => (entry?.$case === "line" ? entry.value.text : entry?.$case))).toEqual([
      "state",
      "state",
      ...texts,
      "usage",
      "progress",
      "state",
    ]);
    expect(await client.get(id)).toMatchObject({
      usage: { tokens: 3, usdMicros: 500_000 },
      progress: { fraction: 0.5, message: "half" },
    });
    stream.cancel();
  });

  test("a stale fence is refused in every report, and nothing is changed", async () => {
    const { id, stream, term } = await holding(freshRole());
    const stale = { ...term, fence: term.fence + 1 };
    const before = await client.get(id);
    stream.say({ append: [{ term: stale, entries: [line("x")] }], finish: [success(stale)] });
    expect(await stream.next("appendRefused")).toMatchObject([
      { accepted: false, refusal: { reason: "LEASE_LOST" } },
    ]);
    expect(await stream.next("finished")).toMatchObject([
      { accepted: false, refusal: { reason: "LEASE_LOST" } },
    ]);
    expect(await client.get(id)).toEqual(before);
    stream.cancel();
  });

  test("a finish that is sent again is accepted again; another one is not", async () => {
    const { id, stream, term } = await holding(freshRole());
    stream.say({ finish: [success(term)] });
    await stream.next("finished");
    stream.say({ finish: [success(term, { other: 1 })] });
    expect((await stream.next("finished", 2))[1]).toMatchObject({
      accepted: true,
      state: TaskState.SUCCEEDED,
    });
    const error = { kind: "LATE", message: "", retryable: false, detail: "" };
    stream.say({
      finish: [{ ...success(term), result: { $case: "failed", value: { error, retryDelay: undefined } } }],
    });
    expect((await stream.next("finished", 3))[2]).toMatchObject({
      accepted: false,
      state: TaskState.SUCCEEDED,
    });
    expect(fromPayload((await client.get(id)).output)).toEqual({ ok: true });
    stream.cancel();
  });

  const failed = (error: object | undefined, retryDelay?: object) =>
    ({ $case: "failed", value: { error, retryDelay } }) as TaskOutcome["result"];
  const json = (text: string) => ({
    body: { $case: "data", value: Buffer.from(text) },
    contentType: "application/json",
  });
  const dependency = { taskId: "x", name: "", condition: 0 as const };
  test.each<[string, TaskOutcome["result"], string]>([
    ["without a result", undefined, "result: is required"],
    ["failed without an error", failed(undefined), "error: is required"],
    [
      "with a malformed kind",
      failed({ kind: "not so", message: "", retryable: true, detail: "" }),
      "error.kind",
    ],
    [
      "with JSON that is none",
      { $case: "succeeded", value: { output: json("{") as never } },
      "output: is not the JSON",
    ],
    [
      "with a large output",
      { $case: "succeeded", value: { output: toPayload("x".repeat(1_100_000)) } },
      "at most 1048576",
    ],
    [
      "with a question",
      {
        $case: "suspended",
        value: {
          dependencies: [],
          inputRequest: { id: "", prompt: "", schema: undefined, subjectSha256: Buffer.of() },
          state: undefined,
        },
      },
      "input_request: not served",
    ],
    [
      "suspended on what is no task",
      {
        $case: "suspended",
        value: { dependencies: [dependency], inputRequest: undefined, state: undefined },
      },
      "suspended.dependencies[0].task_id",
    ],
  ])("a finish %s is refused by itself, and the stream lives on", async (_, result, words) => {
    const { id, stream, term } = await holding(shared);
    stream.say({ finish: [{ term, result, usage: undefined }] });
    const [refused] = await stream.next("finished");
    expect(refused).toMatchObject({ term, accepted: false });
    expect(refused?.refusal?.message).toContain(words);
    stream.say({ finish: [success(term)] });
    expect((await stream.next("finished", 2))[1]?.accepted).toBe(true);
    expect(await stateOf(id)).toBe("SUCCEEDED");
    stream.cancel();
  });
  const shared = freshRole();

  test.each<[string, LogEntry, string]>([
    ["an empty entry", LogEntry.create(), "is empty"],
    [
      "a change of state",
      LogEntry.create({
        entry: { $case: "state", value: { state: 1, attempt: 1, reason: "", workerId: "" } },
      }),
      "is state",
    ],
    ["a large line", line("x".repeat(70_000)), "at most 65536"],
    [
      "progress beyond the end",
      LogEntry.create({ entry: { $case: "progress", value: { fraction: 2, message: "" } } }),
      "from 0 to 1",
    ],
    [
      "usage below nothing",
      LogEntry.create({ entry: { $case: "usage", value: { tokens: -1, usdMicros: 0 } } }),
      "0 or more",
    ],
    [
      "money below nothing",
      LogEntry.create({ entry: { $case: "usage", value: { tokens: 0, usdMicros: -1 } } }),
      "0 or more",
    ],
  ])(
    "%s is refused with its append, and another task's append beside it is taken",
    async (_, entry, words) => {
      const one = await holding(shared);
      one.stream.say({ credit: 1 });
      await submitted(shared);
      const other = termIn((await one.stream.next("leases", 2))[1]);
      one.stream.say({
        append: [
          { term: one.term, entries: [line("with it"), entry] },
          { term: other, entries: [line("beside it")] },
        ],
      });
      const [refused] = await one.stream.next("appendRefused");
      expect(refused?.refusal?.message).toContain(words);
      one.stream.say({ finish: [success(one.term), success(other)] });
      expect((await one.stream.next("finished", 2)).every(({ accepted }) => accepted)).toBe(true);
      expect(JSON.stringify(await gather(client.watch(one.id)))).not.toContain("with it");
      expect(JSON.stringify(await gather(client.watch(other.taskId)))).toContain("beside it");
      one.stream.cancel();
    },
  );

  test("a thousand terms at once are all answered", async () => {
    const role = freshRole();
    await submitted(role, 1_000);
    const stream = open(role);
    stream.say({ credit: 1_000 });
    const leases = await stream.next("leases", 1_000);
    stream.say({
      renew: leases.map(termIn),
      append: leases.map((lease) => ({ term: termIn(lease), entries: [line("x")] })),
    });
    stream.say({ finish: leases.map((lease) => success(termIn(lease))) });
    expect((await stream.next("finished", 1_000)).every(({ accepted }) => accepted)).toBe(true);
    expect(await stream.next("renewed", 1_000)).toHaveLength(1_000);
    expect(stream.all("appendRefused")).toEqual([]);
    stream.cancel();
  });
});

describe("revocation", () => {
  test("of a canceled task is pushed within a second, whoever cancels it where", async () => {
    const { id, stream, term } = await holding(freshRole());
    const began = performance.now();
    await mesh.client(mesh.addressOf(roles[1]!.name)).cancel(id);
    expect(await stream.next("revoked")).toEqual([{ term, reason: "CANCELED" }]);
    expect(performance.now() - began).toBeLessThan(1_000);
    stream.say({ finish: [success(term)] });
    expect(await stream.next("finished")).toMatchObject([{ accepted: false, state: TaskState.CANCELED }]);
    stream.cancel();
  });

  test("reaches a stream that only renews", async () => {
    const { id, stream, term } = await holding(freshRole());
    stream.cancel();
    const renewing = open(roles[0]!.name, { slots: 0 });
    renewing.say({ renew: [term] });
    expect((await renewing.next("renewed"))[0]?.accepted).toBe(true);
    await client.cancel(id);
    expect(await renewing.next("revoked")).toEqual([{ term, reason: "CANCELED" }]);
    renewing.cancel();
  });

  test("of a lease that ran out says so", async () => {
    const { stream, term } = await holding(freshRole(), { lease: seconds(1) });
    expect(await stream.next("revoked")).toEqual([{ term, reason: "EXPIRED" }]);
    stream.cancel();
  });

  test("of a lease that ran out: its worker gets no other until it shows signs of life", async () => {
    const role = freshRole();
    const ids = await submitted(role, 2);
    const frozen = open(role, { workerId: "frozen", lease: seconds(1) });
    frozen.say({ credit: 5 });
    await frozen.next("leases", 2);
    const other = open(role, { workerId: "other" });
    other.say({ credit: 2 });
    const taken = await other.next("leases", 2);
    expect(taken.map(({ term, attempt }) => [term?.taskId, attempt]).sort()).toEqual(
      ids.map((id) => [id, 2]).sort(),
    );
    const [next] = await submitted(role);
    expect(await stateOf(next!)).toBe("QUEUED");
    frozen.say({});
    expect((await frozen.next("leases", 3))[2]).toMatchObject({ term: { taskId: next }, attempt: 1 });
    for (const stream of [frozen, other]) stream.cancel();
  });

  test("of a lease that is still on its way to its worker is told after the lease", async () => {
    const role = freshRole();
    const requests = new ReadableStreamOf<WorkRequest>();
    const service = workerService({
      queue: mesh.queue,
      catalog: catalogOf(roles),
      roleDefault: role,
      payloadBytesMax: 1_000,
      serverId: "here",
      log: silentLogger,
      draining: new AbortController().signal,
    });
    const call = {
      signal: new AbortController().signal,
      deadlineMs: undefined,
      peer: "",
      header: () => undefined,
    };
    const heard: string[] = [];
    const hearing = (async () => {
      for await (const { bytes } of service.work(requests, call) as AsyncIterable<Encoded>) {
        const response = WorkResponse.decode(bytes);
        heard.push(...response.leases.map(({ term }) => `lease ${term?.taskId}`));
        heard.push(...response.revoked.map(({ term, reason }) => `${reason} ${term?.taskId}`));
        if (heard.length >= 2) requests.end();
      }
    })();
    const hello = { role, workerId: "w1", version: "", slots: 10, labels: {}, lease: undefined };
    requests.push(WorkRequest.fromPartial({ hello }));
    await new Promise(setImmediate);
    const [id] = await submitted(role);
    // In one turn, so that the store leases and cancels in one transaction and tells of both before any lease is out.
    requests.push(WorkRequest.fromPartial({ credit: 10 }));
    for (let ticks = 0; ticks < 5; ticks++) await Promise.resolve();
    await mesh.queue.cancel({ taskId: id!, reason: "" });
    await hearing;
    expect(heard).toEqual([`lease ${id}`, `CANCELED ${id}`]);
  });
});

/** A stream of requests that a test pushes into. */
class ReadableStreamOf<Value> implements AsyncIterable<Value> {
  readonly #waiting: Value[] = [];
  #ended = false;
  #wake: () => void = () => {};

  push(value: Value): void {
    this.#waiting.push(value);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) yield value;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

describe("the stream's end", () => {
  test("leaves what is held to be renewed and finished on another", async () => {
    const { id, stream, term } = await holding(freshRole());
    stream.cancel();
    await stream.ended;
    const next = open(roles[0]!.name, { slots: 0 });
    next.say({ renew: [term] });
    expect((await next.next("renewed"))[0]?.accepted).toBe(true);
    next.say({ finish: [success(term)] });
    expect((await next.next("finished"))[0]?.accepted).toBe(true);
    expect(await stateOf(id)).toBe("SUCCEEDED");
    next.end();
    expect(await next.ended).toBeUndefined();
  });

  test("gives back at once what was never handed over", async () => {
    const role = freshRole();
    const [id] = (await submitted(role)) as [string];
    for (let round = 0; round < 20; round++) {
      const gone = open(role, { workerId: `gone-${round}` });
      gone.say({ credit: 1 });
      gone.end();
      await gone.ended;
      const [lease] = gone.all("leases");
      if (lease) gone.say({});
      if (!lease) continue;
      // It was handed over after all: give it back as a worker does.
      await finishUnary(termIn(lease));
      break;
    }
    const stream = open(role);
    if ((await stateOf(id)) !== "SUCCEEDED") {
      stream.say({ credit: 1 });
      expect((await stream.next("leases"))[0]).toMatchObject({ term: { taskId: id }, attempt: 1 });
    }
    stream.cancel();
  });

  test("drain: no lease comes after it is confirmed, and what is held goes on", async () => {
    const role = freshRole();
    const { stream, term } = await holding(role);
    stream.say({ credit: 5, drain: true });
    await stream.until(() => stream.heard.some(({ drain }) => drain), "drain");
    await submitted(role, 3);
    stream.say({ finish: [success(term)], credit: 5 });
    expect((await stream.next("finished"))[0]?.accepted).toBe(true);
    expect(stream.all("leases")).toHaveLength(1);
    const other = open(role, { workerId: "other" });
    other.say({ credit: 3 });
    await other.next("leases", 3);
    stream.cancel();
    other.cancel();
  });

  const finishUnary = (term: LeaseTerm) =>
    connection.unary(
      WorkerServiceService.completeTask,
      { term, output: undefined, usage: undefined },
      { timeoutMs },
    );
});

describe("a rendered input", () => {
  test("has its parents' outputs; one that leads nowhere fails its task and keeps the others and the credit", async () => {
    const [parents, role] = [freshRole(), freshRole()];
    const [parent] = (await submitted(parents)) as [string];
    const child = async (input: unknown) =>
      (
        await client.submitSpecs([
          {
            ...(
              await client.get(parent)
            ).spec!,
            role,
            renderInput: true,
            input: toPayload(input),
            dependencies: [{ taskId: parent, name: "p", condition: 0 }],
          },
        ])
      )[0]!.taskId;
    const good = await child({ all: "${{ p }}", text: "n is ${{ p.n }}" });
    const bad = await child({ x: "${{ p.missing }}" });
    const long = await child(
      Object.fromEntries(Array.from({ length: 3 }, (_, nth) => [`m${nth}`, "${{ p.long }}"])),
    );
    const later = await child({});
    const stream = open(parents);
    stream.say({ credit: 1 });
    const [lease] = await stream.next("leases");
    stream.say({ finish: [success(termIn(lease), { n: 7, long: "x".repeat(500_000) })] });
    const worker = open(role, { workerId: "w2" });
    worker.say({ credit: 2 });
    const leases = await worker.next("leases", 2);
    // Where the children came in another order, those that fail are still to be leased.
    worker.say({ credit: 2 });
    expect(leases.map(({ term }) => term?.taskId).sort()).toEqual([good, later].sort());
    const rendered = fromPayload(leases.find(({ term }) => term?.taskId === good)?.input) as { text: string };
    expect(rendered).toMatchObject({ all: { n: 7 }, text: "n is 7" });
    expect((await client.wait(bad)).error).toMatchObject({ kind: "TEMPLATE_ERROR", retryable: false });
    expect((await client.wait(bad)).error?.message).toContain(
      'input.x: ${{ p.missing }} leads nowhere: p has no "missing"',
    );
    expect((await client.wait(long)).error?.message).toContain("at most 1048576");
    for (const each of [stream, worker]) each.cancel();
  });
});

describe("without a stream", () => {
  const assign = (role: string, more: object = {}, signal?: AbortSignal) =>
    connection.unary(
      WorkerServiceService.assignTask,
      { role, workerId: "simple", max: 0, wait: undefined, lease: undefined, labels: {}, ...more },
      { timeoutMs, signal },
    );
  const error = { kind: "BROKEN", message: "it broke", retryable: true, detail: "" };

  test("nothing there: at once, or when the wait is over", async () => {
    const role = freshRole();
    expect((await assign(role)).leases).toEqual([]);
    const began = performance.now();
    expect((await assign(role, { wait: { seconds: 0, nanos: 200_000_000 } })).leases).toEqual([]);
    expect(performance.now() - began).toBeGreaterThan(190);
    expect(mesh.queue.dispatcher.attached(role)).toBe(0);
  });

  test("up to max of what is there, and the first that comes", async () => {
    const role = freshRole();
    const waiting = assign(role, { wait: seconds(10), max: 2 });
    await expect.poll(() => mesh.queue.dispatcher.attached(role)).toBe(1);
    const [first] = await submitted(role);
    expect((await waiting).leases.map(({ term }) => term?.taskId)).toEqual([first]);
    await submitted(role, 5);
    expect((await assign(role, { max: 3 })).leases).toHaveLength(3);
    expect((await assign(role, { max: 32 })).leases).toHaveLength(2);
  });

  test("many who wait get one each", async () => {
    const role = freshRole();
    const waiting = Array.from({ length: 20 }, () => assign(role, { wait: seconds(10) }));
    await expect.poll(() => mesh.queue.dispatcher.attached(role)).toBe(20);
    const ids = await submitted(role, 20);
    const got = (await Promise.all(waiting)).flatMap(({ leases }) => leases.map(({ term }) => term?.taskId));
    expect(got.sort()).toEqual(ids.sort());
  });

  test("who gives up holds nothing", async () => {
    const role = freshRole();
    for (let round = 0; round < 10; round++) {
      const abort = new AbortController();
      const waiting = assign(role, { wait: seconds(30) }, abort.signal).catch(() => ({ leases: [] }));
      await expect.poll(() => mesh.queue.dispatcher.attached(role)).toBe(1);
      const [id] = (await Promise.all([submitted(role), abort.abort()]))[0] as [string];
      await waiting;
      await expect.poll(() => mesh.queue.dispatcher.attached(role)).toBe(0);
      await expect.poll(() => stateOf(id)).toBe("QUEUED");
      expect((await client.get(id)).attempt).toBe(0);
      await client.cancel(id);
    }
  });

  test("large inputs come as many as a message can hold; the others stay queued", async () => {
    const role = freshRole();
    const text = "x".repeat(1_000_000);
    for (let batch = 0; batch < 3; batch++)
      await client.submitAll(Array.from({ length: 8 }, () => ({ role, input: { text } })));
    const ids = new Set<string>();
    while (ids.size < 24) {
      const { leases } = await assign(role, { max: 32 });
      expect(leases.length).toBeGreaterThan(0);
      for (const { term, attempt } of leases) {
        ids.add(term?.taskId ?? "");
        expect(attempt).toBe(1);
      }
    }
  });

  test.each([0, -1])("a fence of %d is refused by its name", async (fence) => {
    const term = { taskId: `${freshRole()}.1`, fence };
    const request = { term, output: undefined, usage: undefined };
    const { completeTask } = WorkerServiceService;
    const refused = await errorOf(connection.unary(completeTask, request, { timeoutMs }));
    expect(refused).toMatchObject({ reason: "INVALID_FIELD", fields: [{ field: "term.fence" }] });
  });

  test("update, complete and fail carry the fence", async () => {
    const role = freshRole();
    const [id] = (await submitted(role)) as [string];
    const term = termIn((await assign(role)).leases[0]);
    const stale = { ...term, fence: term.fence + 1 };
    const before = await client.get(id);
    const { updateTask, completeTask, failTask } = WorkerServiceService;
    for (const [method, request] of [
      [updateTask, { term: stale, entries: [line("x")], lease: undefined }],
      [updateTask, { term: stale, entries: [], lease: undefined }],
      [completeTask, { term: stale, output: undefined, usage: undefined }],
      [failTask, { term: stale, error, retryDelay: undefined, usage: undefined }],
    ] as const) {
      const refused = await errorOf(
        connection.unary(method as typeof updateTask, request as never, { timeoutMs }),
      );
      expect(refused).toMatchObject({ code: "FAILED_PRECONDITION", reason: "LEASE_LOST" });
    }
    expect(await client.get(id)).toEqual(before);
    const update = { term, entries: [line("alive")], lease: seconds(60) };
    expect(await connection.unary(updateTask, update, { timeoutMs })).toEqual({ lease: seconds(60) });
    const failed = { term, error, retryDelay: seconds(600), usage: { tokens: 5, usdMicros: 1 } };
    expect(await connection.unary(failTask, failed, { timeoutMs })).toEqual({ state: TaskState.SCHEDULED });
    expect(await client.get(id)).toMatchObject({ error, usage: { tokens: 5, usdMicros: 1 } });
    await client.cancel(id);
    await client.retry(id);
    const again = termIn((await assign(role)).leases[0]);
    expect(again.fence).toBeGreaterThan(term.fence);
    const done = { term: again, output: toPayload([1]), usage: undefined };
    expect(await connection.unary(completeTask, done, { timeoutMs })).toEqual({ state: TaskState.SUCCEEDED });
    expect(await connection.unary(completeTask, done, { timeoutMs })).toEqual({ state: TaskState.SUCCEEDED });
    expect(await client.result(id)).toEqual([1]);
  });

  test("an update with a lease at fault appends nothing", async () => {
    const role = freshRole();
    const [id] = (await submitted(role)) as [string];
    const term = termIn((await assign(role)).leases[0]);
    const update = { term, entries: [line("x")], lease: seconds(9_999) };
    const refused = await errorOf(connection.unary(WorkerServiceService.updateTask, update, { timeoutMs }));
    expect(refused.fields[0]?.field).toBe("lease");
    expect((await client.get(id)).lastSequence).toBe(2);
  });

  test.each<[object, string]>([
    [{ workerId: "" }, "worker_id"],
    [{ max: 33 }, "max"],
    [{ wait: seconds(61) }, "wait"],
    [{ lease: seconds(0) }, "lease"],
    [{ role: "nobody" }, "role"],
  ])("%j is refused, naming the field", async (more, field) => {
    expect((await errorOf(assign(roles[0]!.name, more))).fields[0]?.field).toBe(field);
  });
});

test("a server that drains tells its workers, answers who waits, and ends soon after they do", async () => {
  const own = await TestMesh.start({ roles: roles.slice(0, 1) });
  try {
    const role = roles[0]!.name;
    const stream = streamOn(own.connection(), role, {});
    const { id } = await own.client().submit(role);
    stream.say({ credit: 2 });
    const [lease] = await stream.next("leases");
    const request = { role: "", workerId: "simple", max: 1, wait: seconds(50), lease: undefined, labels: {} };
    const waiting = own.connection().unary(WorkerServiceService.assignTask, request, { timeoutMs: 60_000 });
    await expect.poll(() => own.queue.dispatcher.attached(role)).toBe(2);
    own.drain();
    await stream.until(() => stream.heard.some(({ drain }) => drain), "drain");
    expect((await waiting).leases).toEqual([]);
    expect(
      (await errorOf(own.connection().unary(WorkerServiceService.assignTask, request, { timeoutMs }))).reason,
    ).toBe("SERVER_DRAINING");
    await own.client().submit(role);
    stream.say({ finish: [success(termIn(lease))], credit: 3 });
    expect((await stream.next("finished"))[0]?.accepted).toBe(true);
    expect(stream.all("leases")).toHaveLength(1);
    expect(stateName((await own.client().get(id)).state)).toBe("SUCCEEDED");
    stream.end();
    expect(await stream.ended).toBeUndefined();
  } finally {
    await own.close();
  }
});

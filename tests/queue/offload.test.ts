/** Payloads too large for the store, through real servers and workers, on both stores. */
import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type Payload, Payload as PayloadCodec } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole } from "../../src/agent/role.ts";
import { systemClock } from "../../src/core/clock.ts";
import { RetryableError, TerminalError } from "../../src/core/errors.ts";
import { silentLogger } from "../../src/core/log.ts";
import { fromPayload, toPayload } from "../../src/core/payload.ts";
import { directoryBodies } from "../../src/queue/bodies/directory.ts";
import { redisBodies } from "../../src/queue/bodies/redis.ts";
import { s3Bodies } from "../../src/queue/bodies/s3.ts";
import type { BodyStore } from "../../src/queue/bodies.ts";
import { BodySweeper } from "../../src/queue/body-sweeper.ts";
import { openRedisStore } from "../../src/queue/redis/store.ts";
import orchestrator from "../../src/roles/orchestrator/index.ts";
import { parseWorkflow } from "../../src/workflow/definition.ts";
import { workflowServices } from "../../src/workflow/service.ts";
import { allNames } from "../contract/bodies.ts";
import { errorOf, TestMesh, type TestMeshOptions } from "../support/mesh.ts";
import { RedisServer } from "../support/redis.ts";
import { S3Server, s3Missing } from "../support/s3.ts";
import { temporaryDirectory, testLimits } from "../support/sqlite.ts";

const megabyte = 1_048_576;
const large = (size = 5 * megabyte, fill = "x") => ({ text: fill.repeat(size), numbers: [1, 2, 3] });

const echo = defineRole({
  name: "echo",
  summary: "Answers what it was given",
  input: z.any(),
  output: z.any(),
  retry: { attempts: 1 },
  run: (input) => input,
});
const measures = defineRole({
  name: "measures",
  summary: "Tells how long a text is",
  input: z.object({ text: z.string() }),
  output: z.any(),
  run: ({ text }) => ({ length: text.length }),
});
const suspends = defineRole({
  name: "suspends",
  summary: "Leaves a large state, and tells how large it came back",
  input: z.any(),
  output: z.any(),
  run(_, task) {
    if (task.resumed === undefined) task.suspend([], { text: "s".repeat(2 * megabyte) });
    return { length: (task.resumed as { text: string }).text.length };
  },
});
const fails = defineRole({
  name: "fails",
  summary: "Fails unless its input says otherwise",
  input: z.any(),
  output: z.any(),
  run(input) {
    if (input.text !== "well") throw new TerminalError("AS_MEANT", `${input.text.length}`);
    return {};
  },
});
const roles = [orchestrator, echo, measures, suspends, fails];
const options = { roles, more: workflowServices } satisfies TestMeshOptions;

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

const directories: string[] = [];

/** It, and where a test moves it, is gone at the end. */
function bodiesDirectory(): string {
  const parent = temporaryDirectory();
  directories.push(parent);
  const directory = join(parent, "blobs");
  mkdirSync(directory);
  return directory;
}
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

let opened = 0;
const backEnds = {
  "sqlite and a directory"() {
    const directory = bodiesDirectory();
    return { openBodies: () => directoryBodies(directory) };
  },
  "redis and redis"() {
    opened += 1;
    const place = { url: redis.url, prefix: `mesh${opened}` };
    return {
      openStore: () => openRedisStore({ ...place, limits: testLimits }),
      openBodies: () => redisBodies(place),
    };
  },
};

interface Opened {
  readonly mesh: TestMesh;
  readonly bodies: BodyStore;
}

async function open(own: Partial<TestMeshOptions>): Promise<Opened> {
  const mesh = await TestMesh.start({ ...options, ...own });
  const bodies = (own.openBodies as () => BodyStore)();
  onTestFinished(async () => {
    await mesh.close();
    await bodies.close();
  });
  return { mesh, bodies };
}

/** The store's own words: what a task's spec and output take in it. */
async function storedBytes({ mesh }: Opened, id: string): Promise<number> {
  const [record] = await mesh.store.get([id]);
  return (record?.spec.length ?? 0) + (record?.output?.length ?? 0) + (record?.resumeState?.length ?? 0);
}

async function sweep({ mesh, bodies }: Opened, graceMs = 0): Promise<number> {
  const sweeper = new BodySweeper({
    bodies,
    queue: mesh.queue,
    clock: systemClock,
    log: silentLogger,
    graceMs,
  });
  let all = 0;
  for (;;) {
    const { deleted, isLast } = await sweeper.sweepPage();
    all += deleted;
    if (isLast) return all;
  }
}

function reference(payload: Uint8Array | undefined): Payload {
  return PayloadCodec.decode(payload ?? new Uint8Array());
}

describe.each(Object.entries(backEnds))("on %s", { timeout: 60_000 }, (_, places) => {
  test("5 MiB go in and 5 MiB come out, and the store has references alone", async () => {
    const all = await open(places());
    const client = all.mesh.client();
    all.mesh.work();
    const input = large();
    const { id } = await client.submit("echo", input);
    expect(await client.result(id)).toEqual(input);
    const task = await client.get(id);
    expect(fromPayload(task.spec?.input)).toEqual(input);
    expect(fromPayload(task.output)).toEqual(input);
    expect(await storedBytes(all, id)).toBeLessThan(1_000);
    expect(await allNames(all.bodies)).toHaveLength(2);
  });

  test("the largest input and the largest output travel in one message, a byte more is refused", async () => {
    const all = await open(places());
    const client = all.mesh.client();
    all.mesh.work();
    const bare = PayloadCodec.encode(toPayload(Buffer.alloc(7 * megabyte))).finish().length;
    const input = Buffer.alloc(14 * megabyte - bare, 1);
    expect(PayloadCodec.encode(toPayload(input)).finish()).toHaveLength(7 * megabyte);
    const { id } = await client.submit("echo", input);
    expect(input.equals((await client.result(id)) as Buffer)).toBe(true);
    expect(input.equals(fromPayload((await client.get(id)).spec?.input) as Buffer)).toBe(true);
    const error = await errorOf(client.submit("echo", Buffer.concat([input, Buffer.alloc(1)])));
    expect(error.message).toContain("has 7340033 bytes; at most 7340032 are allowed");
  });

  test("bytes, JSON that is no object, and a type of content come back as they were", async () => {
    const all = await open(places());
    const client = all.mesh.client();
    all.mesh.work();
    for (const input of [Buffer.alloc(2 * megabyte, 7), ["a".repeat(megabyte), null, 3]]) {
      const { id } = await client.submit("echo", input);
      expect(await client.result(id)).toEqual(input);
    }
    const png = {
      body: { $case: "data", value: Buffer.alloc(megabyte, 1) },
      contentType: "image/png",
    } as const;
    const { id } = await client.submitSpec(TaskSpec.fromPartial({ role: "echo", input: png }));
    expect((await client.get(id)).spec?.input).toEqual(png);
  });

  test("what is small stays in the store", async () => {
    const all = await open(places());
    all.mesh.work();
    const client = all.mesh.client();
    const input = large(100_000);
    const { id } = await client.submit("echo", input);
    expect(await client.result(id)).toEqual(input);
    expect(await allNames(all.bodies)).toEqual([]);
    expect(await storedBytes(all, id)).toBeGreaterThan(200_000);
  });

  test("a key repeats its request wherever the body lies, refuses another, and leaves no body behind", async () => {
    const all = await open(places());
    const client = all.mesh.client();
    const options = { idempotencyKey: "once" };
    const first = await client.submit("echo", large(), options);
    const carried = reference(partOf(await all.mesh.store.get([first.id])));
    const again = await client.submit("echo", large(), options);
    expect(again).toMatchObject({ id: first.id, existing: true });
    const byReference = await client.submitSpec(
      TaskSpec.fromPartial({ role: "echo", idempotencyKey: "once", input: carried }),
    );
    expect(byReference).toMatchObject({ id: first.id, existing: true });
    const other = await errorOf(client.submit("echo", large(5 * megabyte, "y"), options));
    expect(other.reason).toBe("IDEMPOTENCY_CONFLICT");
    const both = await client.submitAll([
      { role: "echo", input: large(megabyte), idempotencyKey: "twice" },
      { role: "echo", input: large(megabyte), idempotencyKey: "twice" },
    ]);
    expect(both.map(({ existing }) => existing)).toEqual([false, true]);
    expect(await allNames(all.bodies)).toHaveLength(2);
    expect(fromPayload((await client.get(both[1]?.taskId ?? "")).spec?.input)).toEqual(large(megabyte));
  });

  test("a workflow's templates read an output that is kept elsewhere", async () => {
    const all = await open(places());
    all.mesh.work();
    const client = all.mesh.client();
    const spec = parseWorkflow(
      `
name: large
output: measured
nodes:
  made: { role: echo, input: { text: "\${{ inputs.text }}" } }
  measured: { role: measures, needs: [made], input: { text: "\${{ made.text }}" } }
inputs: { text: null }
`,
      "large.yaml",
    );
    const { id } = await client.workflows.run(spec, { text: "w".repeat(3 * megabyte) });
    expect(await client.result(id)).toEqual({ length: 3 * megabyte });
    const workflow = await client.workflows.get(id);
    expect((workflow.inputs as { text: string }).text).toHaveLength(3 * megabyte);
    expect(await storedBytes(all, id)).toBeLessThan(20_000);
  });

  test("a suspended task gets a large state back", async () => {
    const all = await open(places());
    all.mesh.work();
    const client = all.mesh.client();
    const { id } = await client.submit("suspends", {});
    expect(await client.result(id)).toEqual({ length: 2 * megabyte });
    expect(await allNames(all.bodies)).toHaveLength(1);
  });

  test("a retry by hand brings another large input; the first one's body is swept, what is carried stays", async () => {
    const all = await open(places());
    all.mesh.work();
    const client = all.mesh.client();
    const { id } = await client.submit("fails", large(megabyte));
    expect((await errorOf(client.result(id))).reason).toBe("TASK_FAILED");
    const retried = await client.retry(id, large(2 * megabyte));
    expect(fromPayload(retried.spec?.input)).toEqual(large(2 * megabyte));
    await errorOf(client.result(id));
    expect((await client.get(id)).error?.message).toBe(String(2 * megabyte));
    expect(await allNames(all.bodies)).toHaveLength(2);
    expect(await sweep(all)).toBe(1);
    expect(fromPayload((await client.get(id)).spec?.input)).toEqual(large(2 * megabyte));
  });

  test("a redrive adds to a large input, wherever that lies, and leaves the rest of it", async () => {
    const all = await open(places());
    all.mesh.work();
    const client = all.mesh.client();
    const { id } = await client.submit("fails", large(megabyte));
    expect((await errorOf(client.result(id))).reason).toBe("TASK_FAILED");
    expect(await client.control.redrive("fails", { inputMerge: { more: "m" } })).toMatchObject({
      redriven: 1,
      refusals: [],
    });
    await errorOf(client.result(id));
    const task = await client.get(id);
    expect(task.generation).toBe(2);
    expect(fromPayload(task.spec?.input)).toEqual({ ...large(megabyte), more: "m" });
    expect(await storedBytes(all, id)).toBeLessThan(1_000);
  });

  test("bodies go when retention has deleted their tasks, and none that is young", async () => {
    const place = places();
    const limits = { ...testLimits, retentionTasksMax: 0 };
    const all = await open({ ...place, storeLimits: limits, ...redisLimits(place, limits) });
    const client = all.mesh.client();
    const kept = await client.submit("echo", large(megabyte));
    const pool = all.mesh.work({ roles: ["suspends"] });
    const { id } = await client.submit("suspends", large(megabyte));
    await expect
      .poll(() => errorOf(client.get(id)).then(({ reason }) => reason), { timeout: 20_000 })
      .toBe("TASK_NOT_FOUND");
    await pool.drain(0);
    expect(await allNames(all.bodies)).toHaveLength(3);
    expect(await sweep(all, 3_600_000)).toBe(0);
    expect(await sweep(all)).toBe(2);
    expect(await allNames(all.bodies)).toHaveLength(1);
    expect(fromPayload((await client.get(kept.id)).spec?.input)).toEqual(large(megabyte));
  });
});

function redisLimits(place: object, limits: typeof testLimits): Partial<TestMeshOptions> {
  if (!("openStore" in place)) return {};
  return { openStore: () => openRedisStore({ url: redis.url, prefix: `mesh${opened}`, limits }) };
}

function partOf(records: readonly ({ spec: Uint8Array } | undefined)[]): Uint8Array {
  return PayloadCodec.encode(TaskSpec.decode(records[0]?.spec ?? new Uint8Array()).input as Payload).finish();
}

/** A mesh whose bodies are files, and the files. */
async function openFiles(own: Partial<TestMeshOptions> = {}) {
  const directory = bodiesDirectory();
  const all = await open({ ...own, openBodies: () => directoryBodies(directory) });
  const files = async () =>
    (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  return { ...all, directory, files };
}

describe("what is refused", { timeout: 60_000 }, () => {
  test("over the limit, with the setting's name", async () => {
    const { mesh, bodies } = await openFiles();
    const error = await errorOf(mesh.client().submit("echo", large(8 * megabyte)));
    expect(error.reason).toBe("PAYLOAD_TOO_LARGE");
    expect(error.message).toContain("at most 7340032 are allowed");
    expect(error.message).toContain("payload.bodyBytesMax");
    expect(await allNames(bodies)).toEqual([]);
  });

  test("over a limit that is set lower, though the store itself would take it", async () => {
    const { mesh } = await openFiles({ bodyBytesMax: 500_000 });
    const client = mesh.client();
    expect((await errorOf(client.submit("echo", large(600_000)))).message).toContain("at most 500000");
    await client.submit("echo", large(400_000));
  });

  test.each([
    ["without a body store", undefined],
    ["with the offload off", 0],
  ])("%s what the store does not take, with the setting's name", async (_, offloadBytes) => {
    const directory = bodiesDirectory();
    const openBodies = offloadBytes === undefined ? undefined : () => directoryBodies(directory);
    const mesh = await TestMesh.start({ ...options, offloadBytes, openBodies });
    onTestFinished(() => mesh.close());
    const error = await errorOf(mesh.client().submit("echo", large(2 * megabyte)));
    expect(error.reason).toBe("PAYLOAD_TOO_LARGE");
    expect(error.message).toContain("at most 1048576 are allowed");
    expect(error.message).toContain("payload.offloadBytes");
    const { id } = await mesh.client().submit("echo", large(900_000));
    expect((await mesh.client().get(id)).state).toBe(TaskState.QUEUED);
  });

  test("an output over the limit fails the task, and says so", async () => {
    const doubles = defineRole({
      name: "doubles",
      summary: "Answers what it was given, twice",
      input: z.any(),
      output: z.any(),
      run: (input) => ({ once: input, twice: input }),
    });
    const { mesh, bodies } = await openFiles({ roles: [doubles] });
    mesh.work();
    const client = mesh.client();
    const { id } = await client.submit("doubles", large(5 * megabyte));
    await errorOf(client.result(id));
    expect((await client.get(id)).error?.kind).toBe("OUTPUT_TOO_LARGE");
    expect(await allNames(bodies)).toHaveLength(1);
  });

  test("references to what is not in the body store, or not what they say", async () => {
    const { mesh, bodies } = await openFiles();
    const client = mesh.client();
    const submit = (uri: string, sizeBytes: number, sha256 = Buffer.alloc(32)) => {
      const body = { $case: "blob", value: { uri, sizeBytes, sha256 } } as const;
      return client.submitSpec(TaskSpec.fromPartial({ role: "echo", input: { body, contentType: "" } }));
    };
    for (const uri of ["file:///etc/hostname", "s3://bucket/key", "", bodies.uriOf("../../up")]) {
      const error = await errorOf(submit(uri, 10));
      expect(error, uri).toMatchObject({ reason: "INVALID_FIELD" });
      expect(error.message, uri).toContain("spec.input.blob: ");
      expect(error.message, uri).toContain("is not in this mesh's body store");
    }
    const mine = bodies.uriOf("mine.txt");
    expect((await errorOf(submit(mine, 10))).message).toContain("is not there");
    await bodies.put("mine.txt", Buffer.from("0123456789"));
    expect((await errorOf(submit(mine, 9))).message).toContain("has 10 bytes where 9 were stored");
    expect((await errorOf(submit(mine, 10))).message).toContain("SHA-256");
    expect((await errorOf(submit(mine, 8 * megabyte))).message).toContain("at most 7340032 are allowed");
  });

  test("a reference where the mesh has no body store", async () => {
    const mesh = await TestMesh.start(options);
    onTestFinished(() => mesh.close());
    const value = { uri: "file:///a/b", sizeBytes: 1, sha256: Buffer.alloc(32) };
    const input = { body: { $case: "blob", value }, contentType: "" } as const;
    const error = await errorOf(mesh.client().submitSpec(TaskSpec.fromPartial({ role: "echo", input })));
    expect(error.reason).toBe("INVALID_FIELD");
    expect(error.message).toContain("file:///a/b");
  });
});

describe("a body that a client put", { timeout: 60_000 }, () => {
  test("is read as what its type says, and the task has a copy of its own", async () => {
    const all = await openFiles();
    const { mesh, bodies } = all;
    mesh.work();
    const client = mesh.client();
    const text = JSON.stringify(large(megabyte));
    await bodies.put("upload.json", Buffer.from(text));
    const sha256 = createHash("sha256").update(text).digest();
    const value = { uri: bodies.uriOf("upload.json"), sizeBytes: text.length, sha256 };
    const input = { body: { $case: "blob", value }, contentType: "application/json" } as const;
    const { id } = await client.submitSpec(TaskSpec.fromPartial({ role: "measures", input }));
    expect(await client.result(id)).toEqual({ length: megabyte });
    await bodies.delete(["upload.json"]);
    expect(fromPayload((await client.get(id)).spec?.input)).toEqual(large(megabyte));
  });

  test("is never swept", async () => {
    const all = await openFiles();
    await all.bodies.put("upload.json", Buffer.from("{}"));
    expect(await sweep(all)).toBe(0);
    expect(await allNames(all.bodies)).toEqual(["upload.json"]);
  });
});

describe("a body store that fails", { timeout: 60_000 }, () => {
  test("a damaged input fails its task for good, and names the body", async () => {
    const { mesh, files } = await openFiles();
    const client = mesh.client();
    const { id } = await client.submit("echo", large());
    const [file = ""] = await files();
    const bytes = await readFile(file);
    bytes[1_000_000] = (bytes[1_000_000] as number) ^ 1;
    await writeFile(file, bytes);
    mesh.work();
    const error = await errorOf(client.result(id));
    expect(error).toMatchObject({ reason: "TASK_FAILED", metadata: { kind: "BODY_DAMAGED" } });
    expect(error.message).toContain("SHA-256");
    const task = await client.get(id);
    expect(task).toMatchObject({ state: TaskState.FAILED, error: { retryable: false } });
    expect(() => fromPayload(task.spec?.input)).toThrow("is a reference to file:///");
  });

  test("a lost output is told, and named", async () => {
    const { mesh, bodies } = await openFiles();
    mesh.work();
    const client = mesh.client();
    const { id } = await client.submit("echo", large());
    await client.result(id);
    const output = (await allNames(bodies)).filter((name) => name.includes(".output."));
    await bodies.delete(output);
    const error = await errorOf(client.result(id));
    expect(error.reason).toBe("BODY_DAMAGED");
    expect(error.message).toContain(output[0]);
    expect(error.message).toContain("is not there");
  });

  test("away: a large submit is refused and nothing is taken in; what is queued waits, and runs when it is back", async () => {
    const { mesh, directory, files } = await openFiles();
    const client = mesh.client();
    const queued = await client.submit("echo", large());
    await rename(directory, `${directory}-away`);
    const error = await errorOf(client.submit("echo", large()));
    expect(error).toMatchObject({ reason: "STORE_UNAVAILABLE", code: "UNAVAILABLE" });
    expect((await mesh.queue.stats(["echo"]))[0]?.counts.QUEUED).toBe(1);
    mesh.work({ roles: ["echo"], concurrency: 1 });
    const released = async () =>
      (await mesh.store.readLog({ taskId: queued.id, from: 1, limit: 100 }))?.entries.some(({ change }) =>
        change?.reason.includes("could not be read"),
      );
    await expect.poll(released, { timeout: 20_000 }).toBe(true);
    const small = await client.submit("measures", { text: "small" });
    mesh.work({ roles: ["measures"] });
    expect(await client.result(small.id)).toEqual({ length: 5 });
    await rename(`${directory}-away`, directory);
    expect(await client.result(queued.id)).toEqual(large());
    expect((await client.get(queued.id)).attempt).toBe(1);
    expect(await files()).toHaveLength(2);
  });

  test("a body store without room is STORE_FULL, and nothing is taken in", async () => {
    const settings = { maxmemory: "14mb", "maxmemory-policy": "noeviction" };
    const small = await RedisServer.start({ settings });
    onTestFinished(() => small.stop());
    const all = await open({ openBodies: () => redisBodies({ url: small.url }) });
    const client = all.mesh.client();
    const batch = [large(megabyte), large(4 * megabyte), large(4 * megabyte), large(4 * megabyte)].map(
      (input) => ({
        role: "echo",
        input,
      }),
    );
    expect((await errorOf(client.submitAll(batch))).reason).toBe("STORE_FULL");
    expect((await all.mesh.queue.stats(["echo"]))[0]?.counts.QUEUED).toBe(0);
    expect(await sweep(all).then(() => allNames(all.bodies))).toEqual([]);
    // Redis lets go of the room that connections took in its own time.
    const taken = () => client.submit("echo", large(megabyte)).then(({ id }) => id !== "");
    await expect.poll(() => taken().catch(() => false), { timeout: 20_000 }).toBe(true);
  });

  test("an output whose body cannot be written is reported again until it can be", async () => {
    const makes = Promise.withResolvers<void>();
    const own = defineRole({
      name: "echo",
      summary: "Answers much, when it may",
      input: z.any(),
      output: z.any(),
      async run() {
        await makes.promise;
        return large(2 * megabyte);
      },
    });
    const { mesh, directory } = await openFiles({ roles: [own] });
    let refused = 0;
    const put = mesh.bodies.put.bind(mesh.bodies);
    mesh.bodies.put = (name, bytes) =>
      put(name, bytes).catch((error) => {
        refused += 1;
        throw error;
      });
    mesh.work();
    const client = mesh.client();
    const { id } = await client.submit("echo", {});
    await expect.poll(async () => (await client.get(id)).state, { timeout: 20_000 }).toBe(TaskState.RUNNING);
    await rename(directory, `${directory}-away`);
    makes.resolve();
    await expect.poll(() => refused, { timeout: 20_000 }).toBeGreaterThan(0);
    await rename(`${directory}-away`, directory);
    expect(await client.result(id)).toEqual(large(2 * megabyte));
    expect((await client.get(id)).attempt).toBe(1);
  });

  test("moved with all that it holds, it serves what was kept before", async () => {
    const first = bodiesDirectory();
    let place = first;
    const all = await open({ openBodies: () => directoryBodies(place) });
    const { id } = await all.mesh.client().submit("echo", large());
    place = `${first}-moved`;
    await rename(first, place);
    await all.mesh.down();
    await all.mesh.up();
    expect(fromPayload((await all.mesh.client().get(id)).spec?.input)).toEqual(large());
  });
});

test("5 MiB go in and out by a bucket of S3, and go from it when their task has", {
  timeout: 60_000,
}, async (context) => {
  const server = await S3Server.start();
  if (!server) return context.skip(s3Missing);
  onTestFinished(() => server.stop());
  const openBodies = () => s3Bodies({ ...server.options, prefix: "mesh/" });
  const all = await open({ openBodies, storeLimits: { ...testLimits, retentionTasksMax: 1 } });
  all.mesh.work();
  const client = all.mesh.client();
  const { id } = await client.submit("echo", large());
  expect(await client.result(id)).toEqual(large());
  expect(await allNames(all.bodies)).toHaveLength(2);
  expect(await sweep(all)).toBe(0);
  await client.result((await client.submit("echo", {})).id);
  await expect.poll(() => all.mesh.queue.get(id), { timeout: 20_000 }).toBeUndefined();
  expect(await sweep(all)).toBe(2);
  expect(await allNames(all.bodies)).toEqual([]);
});

test("a role may retry with a large input as often as it likes", { timeout: 60_000 }, async () => {
  let runs = 0;
  const tries = defineRole({
    name: "tries",
    summary: "Fails twice",
    input: z.object({ text: z.string() }),
    output: z.any(),
    retry: { attempts: 3, backoffMs: 0 },
    run({ text }) {
      runs += 1;
      if (runs < 3) throw new RetryableError("NOT_YET", "again", { delayMs: 0 });
      return { length: text.length };
    },
  });
  const all = await open({ roles: [tries], openBodies: () => directoryBodies(bodiesDirectory()) });
  all.mesh.work();
  const { id } = await all.mesh.client().submit("tries", large());
  expect(await all.mesh.client().result(id)).toEqual({ length: 5 * megabyte });
});

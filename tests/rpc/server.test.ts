import { once } from "node:events";
import { connect as netConnect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { AgentServiceService } from "../../gen/grpc/agentmesh/v1/agent.ts";
import { type SubmitStreamRequest, TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { aborted } from "../../src/core/aborted.ts";
import type { CallContext } from "../../src/core/call.ts";
import { silentLogger } from "../../src/core/log.ts";
import { startGrpcServer } from "../../src/rpc/server.ts";
import { unservedService } from "../../src/rpc/unserved.ts";
import { errorOf, Gate, gather } from "../support/mesh.ts";
import { connect, logged, sequenceOf, serveTasks, settled, until } from "./kit.ts";

const { getTask, watchTask, submitStream } = TaskServiceService;
const patient = { timeoutMs: 10_000 };
const watch = { taskId: "", fromSequence: 0 };

describe("a handler", () => {
  test("that throws what is no MeshError answers INTERNAL, and the log has the cause", async () => {
    const { connection, notes } = await serveTasks({
      getTask: async () => {
        throw new TypeError("secret of the house");
      },
    });
    const error = await errorOf(connection.unary(getTask, { taskId: "" }, patient));
    expect(error.reason).toBe("INTERNAL");
    expect(error.message).not.toContain("secret");
    expect(JSON.stringify(notes.logged)).toContain("secret of the house");
    expect(notes.observed).toEqual([{ method: "GetTask", code: "INTERNAL" }]);
  });

  test("that throws before its first await answers too", async () => {
    const { connection } = await serveTasks({
      getTask: () => {
        throw new Error("at once");
      },
      watchTask: () => {
        throw new Error("at once");
      },
    });
    expect((await errorOf(connection.unary(getTask, { taskId: "" }, patient))).reason).toBe("INTERNAL");
    expect((await errorOf(gather(connection.serverStream(watchTask, watch, patient)))).reason).toBe(
      "INTERNAL",
    );
  });

  test("is not asked for a request that cannot be decoded: it is the caller's fault", async () => {
    const { connection, notes } = await serveTasks({
      getTask: async () => ({ task: undefined }),
      watchTask: async function* () {},
      async *submitStream(requests: AsyncIterable<SubmitStreamRequest>) {
        for await (const { batchId } of requests) yield { batchId, results: [] };
      },
    });
    const garbled = () => Buffer.from([0x0a, 0x7f]);
    const refused = { reason: "INVALID_FIELD", fields: [{ field: "request" }] };
    const unary = connection.unary({ ...getTask, requestSerialize: garbled }, { taskId: "" }, patient);
    expect(await errorOf(unary)).toMatchObject(refused);
    const stream = connection.serverStream({ ...watchTask, requestSerialize: garbled }, watch, patient);
    expect(await errorOf(gather(stream))).toMatchObject(refused);
    const bidi = connection.bidi({ ...submitStream, requestSerialize: garbled }, patient);
    await bidi.send({ batchId: 1, specs: [] });
    expect(await errorOf(gather(bidi.responses))).toMatchObject(refused);
    expect(notes.observed.map(({ code }) => code)).toEqual(Array(3).fill("INVALID_ARGUMENT"));
  });

  test("sees the deadline and the headers of its call", async () => {
    let seen: CallContext | undefined;
    const { connection } = await serveTasks({
      getTask: async (_request, call) => {
        seen = call;
        return { task: undefined };
      },
    });
    const before = Date.now();
    await connection.unary(getTask, { taskId: "" }, { timeoutMs: 7_000 });
    expect(seen?.deadlineMs).toBeGreaterThan(before + 5_000);
    expect(seen?.deadlineMs).toBeLessThan(before + 9_000);
    expect(seen?.header("user-agent")).toContain("grpc-node");
    expect(seen?.header("absent")).toBeUndefined();
  });

  test("of a unary call is told that its caller has gone", async () => {
    const began = new Gate();
    const { connection, notes } = await serveTasks({
      getTask: async (_request, { signal }) => {
        void began.pass();
        await aborted(signal);
        return { task: undefined };
      },
    });
    const abort = new AbortController();
    const call = errorOf(connection.unary(getTask, { taskId: "" }, { ...patient, signal: abort.signal }));
    await began.reached();
    abort.abort();
    expect((await call).reason).toBe("CALL_CANCELED");
    await until(() => notes.observed.length > 0);
  });

  test("whose call ended well is not told that its caller has gone", async () => {
    const contexts: CallContext[] = [];
    const { connection } = await serveTasks({
      getTask: async (_request: unknown, context: CallContext) => {
        contexts.push(context);
        return {};
      },
    });
    for (let calls = 0; calls < 5; calls++) await connection.unary(getTask, { taskId: "" }, patient);
    expect(contexts[0]?.signal.aborted).toBe(false);
  });

  test("is told that the deadline has passed, and the caller hears of it", async () => {
    const reason = Promise.withResolvers<unknown>();
    const { connection, notes } = await serveTasks({
      async *watchTask(_request, { signal }) {
        yield logged(1);
        await aborted(signal);
        reason.resolve(signal.reason);
      },
    });
    const error = await errorOf(gather(connection.serverStream(watchTask, watch, { timeoutMs: 200 })));
    expect(error.reason).toBe("DEADLINE_EXCEEDED");
    expect(await reason.promise).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(await notes.firstCode()).toBe("DEADLINE_EXCEEDED");
    expect(notes.logged).toEqual([]);
  });
});

describe("a stream", () => {
  test("waits for its reader: what a fast handler makes stays within the windows", async () => {
    const total = 4_000;
    const bytes = 65_536;
    let pulled = 0;
    const { connection } = await serveTasks({
      async *watchTask() {
        for (; pulled < total; pulled++) yield logged(pulled, bytes);
      },
    });
    const responses = connection.serverStream(watchTask, watch, { timeoutMs: 30_000 });
    expect(sequenceOf((await responses.next()).value)).toBe(0);
    const ahead = await settled(() => pulled);
    // The stream's window of 4 MiB, grpc-js's 16 messages on each side, and what is on its way.
    expect(ahead * bytes).toBeLessThan(12 * 1_048_576);
    let read = 1;
    for await (const response of responses) expect(sequenceOf(response)).toBe(read++);
    expect(read).toBe(total);
  });

  test("whose slow reader goes away ends its handler", async () => {
    const ended = Promise.withResolvers<void>();
    const { connection, notes } = await serveTasks({
      async *watchTask() {
        try {
          for (let sequence = 0; ; sequence++) yield logged(sequence, 65_536);
        } finally {
          ended.resolve();
        }
      },
    });
    for await (const _ of connection.serverStream(watchTask, watch, patient)) break;
    await ended.promise;
    expect(await notes.firstCode()).toBe("CANCELLED");
    expect(notes.logged).toEqual([]);
  });

  test("ends its handler where that goes on to answer after its caller has gone", async () => {
    const ended = Promise.withResolvers<void>();
    const { connection } = await serveTasks({
      async *watchTask(_request, { signal }) {
        try {
          yield logged(0);
          await aborted(signal);
          for (let sequence = 1; ; sequence++) yield logged(sequence);
        } finally {
          ended.resolve();
        }
      },
    });
    for await (const _ of connection.serverStream(watchTask, watch, patient)) break;
    await ended.promise;
  });

  test("cut in the middle by its client's end leaves the server as it was", async () => {
    const { connection, address, notes } = await serveTasks({
      async *watchTask(_request, { signal }) {
        yield logged(0);
        await aborted(signal);
      },
      getTask: async () => ({ task: undefined }),
    });
    const leaving = connect(address);
    const opened = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const responses = leaving.serverStream(watchTask, watch, patient);
        await responses.next();
        return responses;
      }),
    );
    for (const responses of opened) void responses.return(undefined);
    leaving.close();
    await until(() => notes.observed.length === 50);
    expect(new Set(notes.observed.map(({ code }) => code))).toEqual(new Set(["CANCELLED"]));
    expect(await connection.unary(getTask, { taskId: "" }, patient)).toEqual({ task: undefined });
  });

  test("both ways is answered where its handler stops reading: the error arrives", async () => {
    const { connection } = await serveTasks({
      async *submitStream(requests: AsyncIterable<unknown>) {
        for await (const _ of requests) throw new Error("unacceptable");
        yield { batchId: 0, results: [] };
      },
    });
    const call = connection.bidi(submitStream, patient);
    await call.send({ batchId: 1, specs: [] });
    expect((await errorOf(gather(call.responses))).reason).toBe("INTERNAL");
  });

  test("both ways goes on answering where its handler has read enough", async () => {
    const { connection } = await serveTasks({
      async *submitStream(requests: AsyncIterable<{ batchId: number }>) {
        for await (const { batchId } of requests) {
          yield { batchId, results: [] };
          break;
        }
        yield { batchId: 99, results: [] };
      },
    });
    const call = connection.bidi(submitStream, patient);
    await call.send({ batchId: 7, specs: [] });
    expect((await gather(call.responses)).map(({ batchId }) => batchId)).toEqual([7, 99]);
  });

  test("both ways ends with its call what its handler left reading", async () => {
    const left = Promise.withResolvers<unknown>();
    const { connection } = await serveTasks({
      async *submitStream(requests: AsyncIterable<SubmitStreamRequest>) {
        gather(requests).then(left.resolve, left.resolve);
        yield { batchId: 1, results: [] };
      },
    });
    expect(await gather(connection.bidi(submitStream, patient).responses)).toHaveLength(1);
    await left.promise;
  });

  test("both ways ends its handler's reading where the caller goes away", async () => {
    const ended = Promise.withResolvers<unknown>();
    const { connection, notes } = await serveTasks({
      async *submitStream(requests: AsyncIterable<{ batchId: number }>) {
        try {
          for await (const { batchId } of requests) yield { batchId, results: [] };
        } catch (error) {
          ended.resolve(error);
          throw error;
        }
      },
    });
    const call = connection.bidi(submitStream, patient);
    await call.send({ batchId: 1, specs: [] });
    await call.responses[Symbol.asyncIterator]().next();
    call.cancel();
    expect(await ended.promise).toMatchObject({ reason: "CALL_CANCELED" });
    expect(await notes.firstCode()).toBe("CANCELLED");
  });
});

describe("a drain", () => {
  test("lets calls in flight end, and takes no new ones", async () => {
    const gate = new Gate();
    const { connection, server, address } = await serveTasks({
      getTask: async () => {
        await gate.pass();
        return { task: undefined };
      },
    });
    const inFlight = connection.unary(getTask, { taskId: "" }, patient);
    await gate.reached();
    let drained = false;
    const drain = server.drain(10_000).then(() => {
      drained = true;
    });
    const refused = await errorOf(connect(address).unary(getTask, { taskId: "" }, patient));
    expect(refused.code).toBe("UNAVAILABLE");
    expect(drained).toBe(false);
    gate.open();
    expect(await inFlight).toEqual({ task: undefined });
    await drain;
  });

  test("tells the calls that it cannot wait for, so that they can go elsewhere", async () => {
    const { connection, server } = await serveTasks({
      async *watchTask(_request, { signal }) {
        yield logged(0);
        await aborted(signal);
      },
      async *submitStream(requests: AsyncIterable<{ batchId: number }>) {
        for await (const { batchId } of requests) yield { batchId, results: [] };
      },
    });
    const watching = connection.serverStream(watchTask, watch, patient);
    await watching.next();
    const call = connection.bidi(submitStream, patient);
    await call.send({ batchId: 1, specs: [] });
    const answers = call.responses[Symbol.asyncIterator]();
    await answers.next();
    const drain = server.drain(50);
    expect((await errorOf(watching.next())).reason).toBe("SERVER_DRAINING");
    expect((await errorOf(answers.next())).reason).toBe("SERVER_DRAINING");
    await drain;
  });

  test("is not held up by those who watch, and waits for the others", async () => {
    const gate = new Gate();
    const { connection, server } = await serveTasks({
      getTask: () => gate.pass().then(() => ({ task: undefined })),
      async *watchTask(_request, { signal }) {
        yield logged(0);
        await aborted(signal);
      },
    });
    const watching = connection.serverStream(watchTask, watch, patient);
    await watching.next();
    const unary = connection.unary(getTask, { taskId: "" }, patient);
    await gate.reached();
    const drain = server.drain(20_000);
    expect((await errorOf(watching.next())).reason).toBe("SERVER_DRAINING");
    gate.open();
    expect(await unary).toEqual({ task: undefined });
    await drain;
  });

  test("cuts what does not end at all", async () => {
    const gate = new Gate();
    const { connection, server } = await serveTasks({ getTask: () => gate.pass() });
    const call = errorOf(connection.unary(getTask, { taskId: "" }, patient));
    await gate.reached();
    await server.drain(0);
    expect((await call).code).toMatch(/CANCELLED|UNAVAILABLE/);
    gate.open();
  });

  test("does not wait for a peer that never closes its side", async () => {
    const { server } = await serveTasks({});
    const peer = netConnect({ host: "127.0.0.1", port: server.port, allowHalfOpen: true });
    onTestFinished(() => void peer.destroy());
    peer.on("error", () => {});
    // Empty settings: with the preface, all that it takes to be a session.
    peer.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    peer.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    await once(peer, "readable");
    await server.drain(0);
  });
});

test("a service that is not served yet says so, in unary calls and in streams", async () => {
  const handlers = unservedService(TaskServiceService) as Parameters<typeof serveTasks>[0];
  const { connection } = await serveTasks(handlers);
  const unary = await errorOf(connection.unary(getTask, { taskId: "" }, patient));
  const stream = await errorOf(gather(connection.serverStream(watchTask, watch, patient)));
  const call = connection.bidi(submitStream, patient);
  const both = await errorOf(gather(call.responses));
  for (const error of [unary, stream, both])
    expect([error.code, error.reason]).toEqual(["UNIMPLEMENTED", "NOT_YET_SUPPORTED"]);
  expect(stream.message).toContain("agentmesh.v1.TaskService/WatchTask");
});

test("a method without a handler, and a service that is not there, are UNIMPLEMENTED", async () => {
  const { connection } = await serveTasks({});
  expect((await errorOf(connection.unary(getTask, { taskId: "" }, patient))).code).toBe("UNIMPLEMENTED");
  const elsewhere = connection.unary(AgentServiceService.getAgent, { name: "" } as never, patient);
  expect((await errorOf(elsewhere)).code).toBe("UNIMPLEMENTED");
});

test("a port that is taken is told with the setting's name", async () => {
  const { server, address } = await serveTasks({});
  const again = startGrpcServer({
    ...{ host: "127.0.0.1", port: server.port, portSetting: "server.grpcPort", services: [] },
    ...{ log: silentLogger, observe: () => {} },
  });
  const error = await errorOf(again);
  expect(error.reason).toBe("PORT_IN_USE");
  expect(error.message).toContain("server.grpcPort");
  expect(error.message).toContain(address);
});

test("an IPv6 address is listened on", async ({ skip }) => {
  const options = { portSetting: "server.grpcPort", services: [], log: silentLogger, observe: () => {} };
  const server = await startGrpcServer({ host: "::1", port: 0, ...options }).catch(() =>
    skip("this machine has no IPv6"),
  );
  onTestFinished(() => server.drain(0));
  expect(server.port).toBeGreaterThan(0);
});

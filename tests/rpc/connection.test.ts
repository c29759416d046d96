import { getEventListeners, once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { TaskServiceService, TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import { aborted } from "../../src/core/aborted.ts";
import { limits } from "../../src/core/limits.ts";
import { errorOf, Gate, gather } from "../support/mesh.ts";
import { connect, logged, sequenceOf, serveTasks, settled, until } from "./kit.ts";

const { getTask, watchTask, submitStream } = TaskServiceService;
const patient = { timeoutMs: 10_000 };
const watch = { taskId: "", fromSequence: 0 };

/** An address that was free a moment ago. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

describe("where no server answers", () => {
  test("every kind of call says so at once, with the address", async () => {
    const address = await nobody();
    const connection = connect(address);
    const began = performance.now();
    const calls = [
      connection.unary(getTask, { taskId: "" }, patient),
      gather(connection.serverStream(watchTask, watch, patient)),
      gather(connection.bidi(submitStream, patient).responses),
    ];
    for (const error of await Promise.all(calls.map(errorOf))) {
      expect(error.reason).toBe("SERVER_UNREACHABLE");
      expect(error.message).toContain(address);
    }
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test("a stream that is read only later still says so", async () => {
    const connection = connect(await nobody());
    const call = connection.bidi(submitStream, patient);
    await errorOf(connection.unary(getTask, { taskId: "" }, patient));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await errorOf(gather(call.responses))).reason).toBe("SERVER_UNREACHABLE");
  });

  test("sending into a stream does not wait for ever", async () => {
    const connection = connect(await nobody());
    const call = connection.bidi(submitStream, patient);
    for (let batchId = 0; batchId < 100; batchId++) await call.send({ batchId, specs: [] });
    expect((await errorOf(gather(call.responses))).reason).toBe("SERVER_UNREACHABLE");
  });

  test("a call over the same connection succeeds once a server is there", async () => {
    const first = await serveTasks({ getTask: async () => ({ task: undefined }) });
    await first.connection.unary(getTask, { taskId: "" }, patient);
    await first.server.drain(0);
    const error = await errorOf(first.connection.unary(getTask, { taskId: "" }, patient));
    expect(error.reason).toBe("SERVER_UNREACHABLE");
  });
});

describe("a call", () => {
  test("ends at its deadline, though the server has no word", async () => {
    const gate = new Gate();
    const { connection } = await serveTasks({ getTask: () => gate.pass() });
    const error = await errorOf(connection.unary(getTask, { taskId: "" }, { timeoutMs: 100 }));
    expect(error.reason).toBe("DEADLINE_EXCEEDED");
    gate.open();
  });

  test("ends when its signal aborts, and keeps no listener on it", async () => {
    const { connection } = await serveTasks({
      getTask: async () => ({ task: undefined }),
      async *watchTask(_request, { signal }) {
        yield logged(1);
        await aborted(signal);
      },
    });
    const abort = new AbortController();
    const listeners = () => getEventListeners(abort.signal, "abort").length;
    const options = { ...patient, signal: abort.signal };
    await connection.unary(getTask, { taskId: "" }, options);
    for await (const _ of connection.serverStream(watchTask, watch, options)) break;
    await until(() => listeners() === 0);
    const watching = connection.serverStream(watchTask, watch, options);
    await watching.next();
    const end = errorOf(watching.next());
    abort.abort();
    expect((await end).reason).toBe("CALL_CANCELED");
    const late = await errorOf(connection.unary(getTask, { taskId: "" }, options));
    expect(late.reason).toBe("CALL_CANCELED");
    expect(listeners()).toBe(0);
  });

  test("with a message over the limit is refused as too large", async () => {
    const { connection } = await serveTasks({ getTask: async () => ({ task: undefined }) });
    const taskId = "x".repeat(limits.messageBytesMax + 1);
    const error = await errorOf(connection.unary(getTask, { taskId }, patient));
    expect(error.reason).toBe("PAYLOAD_TOO_LARGE");
  });

  test("answered with details that cannot be read fails, and nothing else does", async () => {
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x0f, 0x01]));
    const server = new Server();
    server.addService(TaskServiceService, {
      getTask: (_call: unknown, callback: (error: object) => void) =>
        callback({ code: status.UNAVAILABLE, details: "broken", metadata }),
    });
    const port = await new Promise<number>((resolve) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
    );
    onTestFinished(() => server.forceShutdown());
    const error = await errorOf(connect(`127.0.0.1:${port}`).unary(getTask, { taskId: "" }, patient));
    expect(error.code).toBe("UNAVAILABLE");
  });
});

describe("a stream", () => {
  test("that its reader leaves is canceled, and its late error ends nothing", async () => {
    const { connection, notes } = await serveTasks({
      async *watchTask(_request, { signal }) {
        yield logged(1);
        yield logged(2);
        await aborted(signal);
      },
      async *submitStream(_requests, { signal }) {
        yield { batchId: 1, results: [] };
        await aborted(signal);
      },
    });
    for await (const _ of connection.serverStream(watchTask, watch, patient)) break;
    for await (const _ of connection.bidi(submitStream, patient).responses) break;
    await until(() => notes.observed.length === 2);
    expect(notes.observed.map(({ code }) => code)).toEqual(["CANCELLED", "CANCELLED"]);
  });

  test("gives what came before an error, then the error", async () => {
    const { connection } = await serveTasks({
      async *watchTask() {
        for (let sequence = 0; sequence < 100; sequence++) yield logged(sequence);
        throw new Error("broken");
      },
    });
    const read: number[] = [];
    const reading = (async () => {
      for await (const response of connection.serverStream(watchTask, watch, patient))
        read.push(sequenceOf(response));
    })();
    expect((await errorOf(reading)).reason).toBe("INTERNAL");
    expect(read).toEqual(Array.from({ length: 100 }, (_, sequence) => sequence));
  });

  test("makes its sender wait for a slow server, and sets it free at the end", async () => {
    const gate = new Gate();
    const warnings: Error[] = [];
    const warned = (warning: Error) => void warnings.push(warning);
    process.on("warning", warned);
    onTestFinished(() => void process.off("warning", warned));
    const { connection } = await serveTasks({
      async *submitStream(requests: AsyncIterable<{ batchId: number }>) {
        for await (const { batchId } of requests) {
          yield { batchId, results: [] };
          if (batchId === 500) break;
        }
        await gate.pass();
      },
    });
    const call = connection.bidi(submitStream, { timeoutMs: 30_000 });
    const ended = gather(call.responses);
    let sent = 0;
    const specs = [TaskSpec.fromPartial({ title: "x".repeat(65_536) })];
    const sending = (async () => {
      for (; sent < 2_000; sent++) await call.send({ batchId: sent, specs });
    })();
    const before = await settled(() => sent);
    expect(before).toBeGreaterThan(500);
    expect(before).toBeLessThan(1_000);
    gate.open();
    await sending;
    expect((await ended).length).toBe(501);
    expect(warnings).toEqual([]);
  });
});

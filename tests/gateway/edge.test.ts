import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect as dial } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { TaskService } from "../../gen/web/agentmesh/v1/task_pb.js";
import { ErrorInfoSchema } from "../../gen/web/google/rpc/error_details_pb.js";
import { aborted } from "../../src/core/aborted.ts";
import type { CallContext } from "../../src/core/call.ts";
import { MeshError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { type Reason, reasons } from "../../src/core/reasons.ts";
import { unservedService } from "../../src/rpc/unserved.ts";
import { type Handlers, logged, settled, until } from "../rpc/kit.ts";
import { errorOf, Gate } from "../support/mesh.ts";
import { post, reasonIn, serveEdge, serveTasks, taskClient } from "./kit.ts";

const watch = { taskId: "x" };

/** The error that Connect's client throws. */
async function connectErrorOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.unreachable("the call ended well"),
    (error: unknown) => ConnectError.from(error),
  );
}

describe("an error", () => {
  test("comes as JSON with its code, its reason and its fields in the clear", async () => {
    const fields = [{ field: "spec.role", description: "is required" }];
    const { url } = await serveTasks({
      submitTask: async () => {
        throw new MeshError("INVALID_FIELD", "spec.role: is required", { fields, metadata: { limit: "48" } });
      },
    });
    const answer = await post(url, "SubmitTask", { spec: {} });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "invalid_argument", message: "spec.role: is required" });
    expect(answer.body.details?.map(({ type, debug }) => [type, debug])).toEqual([
      ["google.rpc.ErrorInfo", { reason: "INVALID_FIELD", domain: "agentmesh", metadata: { limit: "48" } }],
      ["google.rpc.BadRequest", { fieldViolations: fields }],
    ]);
  });

  test("of every reason has gRPC's code and its own reason, for unary calls and for streams", async () => {
    let reason: Reason = "INTERNAL";
    const fail = () => {
      throw new MeshError(reason, "told");
    };
    const { url } = await serveTasks({ getTask: fail, watchTask: fail });
    const client = taskClient(url);
    for (reason of Object.keys(reasons) as Reason[]) {
      const code = reasons[reason].code === "CANCELLED" ? "CANCELED" : reasons[reason].code;
      for (const call of [
        client.getTask({ taskId: "x" }),
        client.watchTask(watch)[Symbol.asyncIterator]().next(),
      ]) {
        const error = await connectErrorOf(call);
        expect(Code[error.code].replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).toBe(`_${code}`);
        expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe(reason);
      }
    }
  });

  test("that is nobody's hides its message, and the log has it", async () => {
    const fail = () => {
      throw new TypeError("secret of the house");
    };
    const { url, notes } = await serveTasks({ getTask: fail, watchTask: fail });
    const answer = await post(url, "GetTask", { taskId: "x" });
    expect([answer.status, reasonIn(answer)]).toEqual([500, "INTERNAL"]);
    expect(JSON.stringify(answer.body)).not.toContain("secret");
    const stream = await connectErrorOf(taskClient(url).watchTask(watch)[Symbol.asyncIterator]().next());
    expect(JSON.stringify(stream.message)).not.toContain("secret");
    expect(notes.logged.length).toBe(2);
    expect(JSON.stringify(notes.logged)).toContain("secret of the house");
  });
});

describe("a request at fault", () => {
  test("that is no JSON, or has a field that is not there, is told where", async () => {
    const { url } = await serveTasks({ getTask: async () => ({ task: undefined }) });
    const broken = await post(url, "GetTask", "{bad");
    expect([broken.status, reasonIn(broken)]).toEqual([400, "INVALID_FIELD"]);
    const unknown = await post(url, "GetTask", { taskIdd: "x" });
    expect([unknown.status, reasonIn(unknown)]).toEqual([400, "INVALID_FIELD"]);
    expect(unknown.body.message).toContain('"taskIdd"');
    const mistyped = await post(url, "GetTask", { taskId: 7 });
    expect([mistyped.status, reasonIn(mistyped)]).toEqual([400, "INVALID_FIELD"]);
  });

  test("of more than the limit is refused, its length told or not", async () => {
    const { url } = await serveTasks({
      getTask: async () => ({ task: undefined }),
      async *watchTask() {
        yield logged(1);
      },
    });
    const body = JSON.stringify({ taskId: "x".repeat(limits.messageBytesMax) });
    const whole = await post(url, "GetTask", body);
    expect([whole.status, reasonIn(whole)]).toEqual([400, "PAYLOAD_TOO_LARGE"]);
    expect(whole.body.message).toContain(String(limits.messageBytesMax));
    const pieces = new ReadableStream({
      start(controller) {
        for (let at = 0; at < body.length; at += 1_048_576)
          controller.enqueue(new TextEncoder().encode(body.slice(at, at + 1_048_576)));
        controller.close();
      },
    });
    const streamed = await fetch(`${url}/agentmesh.v1.TaskService/GetTask`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: pieces,
      duplex: "half",
    });
    expect(streamed.status).toBe(400);
    expect(await streamed.text()).toContain("PAYLOAD_TOO_LARGE");
    const client = taskClient(url);
    const stream = client.watchTask({ taskId: "x".repeat(limits.messageBytesMax + 1) });
    const error = await connectErrorOf(stream[Symbol.asyncIterator]().next());
    expect(error.code).toBe(Code.ResourceExhausted);
  });

  test("for a method that is not there is told what is near, and where the list is", async () => {
    const { url } = await serveTasks({});
    const answer = await post(url, "GetTsk", {});
    expect([answer.status, answer.body.code]).toEqual([404, "unimplemented"]);
    expect(answer.body.message).toContain("did you mean /agentmesh.v1.TaskService/GetTask?");
    const far = await fetch(`${url}/favicon.ico`);
    expect(far.status).toBe(404);
    expect(await far.text()).toContain("GET / lists every method");
  });

  test("that is no POST, or has no type that is served, is told what to send", async () => {
    const { url } = await serveTasks({ getTask: async () => ({ task: undefined }) });
    const got = await fetch(`${url}/agentmesh.v1.TaskService/GetTask`);
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await got.text()).toContain("POST");
    const form = await post(url, "GetTask", "{}", { "content-type": "application/x-www-form-urlencoded" });
    expect(form.status).toBe(415);
    expect(form.body.message).toContain("application/json");
  });

  test("for a stream as plain JSON is told how to ask", async () => {
    const { url } = await serveTasks({
      async *watchTask() {
        yield logged(1);
      },
    });
    const answer = await post(url, "WatchTask", {});
    expect(answer.status).toBe(415);
    expect(answer.body.message).toContain("buf curl");
  });

  test("for a stream both ways is told that HTTP/1.1 has none, in each protocol", async () => {
    const { url } = await serveTasks({});
    const answer = await post(url, "SubmitStream", {});
    expect([answer.status, reasonIn(answer)]).toEqual([501, "NOT_YET_SUPPORTED"]);
    expect(answer.body.message).toContain("gRPC");
    const path = `${url}/agentmesh.v1.TaskService/SubmitStream`;
    const connect = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body: new Uint8Array(5),
    });
    expect(connect.status).toBe(200);
    const envelope = Buffer.from(await connect.arrayBuffer());
    expect(envelope[0]).toBe(2);
    expect(JSON.parse(envelope.subarray(5).toString()).error.code).toBe("unimplemented");
    const web = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: new Uint8Array(5),
    });
    expect(web.headers.get("grpc-status")).toBe("12");
  });

  test("with a deadline that cannot be kept is refused", async () => {
    const { url } = await serveTasks({ getTask: async () => ({ task: undefined }) });
    for (const timeout of ["soon", "9999999999"]) {
      const answer = await post(url, "GetTask", {}, { "connect-timeout-ms": timeout });
      expect([answer.status, reasonIn(answer)]).toEqual([400, "INVALID_FIELD"]);
    }
  });

  test("with a service that is not served yet says so", async () => {
    const { url } = await serveTasks(unservedService(TaskServiceService) as Handlers);
    expect(reasonIn(await post(url, "GetTask", {}))).toBe("NOT_YET_SUPPORTED");
    const error = await connectErrorOf(taskClient(url).watchTask(watch)[Symbol.asyncIterator]().next());
    expect(error.code).toBe(Code.Unimplemented);
  });

  test("without a host, or with one that is none, is refused and ends nothing", async () => {
    const { edge, url } = await serveTasks({ getTask: async () => ({ task: undefined }) });
    for (const head of ["POST /agentmesh.v1.TaskService/GetTask HTTP/1.0", "GET // HTTP/1.1\r\nHost: [::"]) {
      const socket = dial(edge.port, "127.0.0.1");
      socket.write(`${head}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`);
      const [data] = (await once(socket, "data")) as [Buffer];
      expect(data.toString()).toMatch(/^HTTP\/1.1 4\d\d /);
      socket.destroy();
    }
    expect((await post(url, "GetTask", {})).status).toBe(200);
  });
});

describe("a web page of another site", () => {
  test("is given no leave by CORS", async () => {
    const { url } = await serveTasks({ getTask: async () => ({ task: undefined }) });
    const asked = await fetch(`${url}/agentmesh.v1.TaskService/GetTask`, {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    });
    expect(asked.status).toBe(405);
    const answer = await post(url, "GetTask", {}, { origin: "https://evil.example" });
    for (const headers of [asked.headers, answer.headers])
      expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  test("cannot reach a mesh of this machine by a name of its own", async () => {
    const { edge } = await serveTasks({});
    expect(await statusFor(edge.port, "evil.example:8080")).toBe(403);
    for (const host of ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "mesh.localhost"])
      expect(await statusFor(edge.port, host)).toBe(200);
    const open = await serveEdge({ host: "0.0.0.0" });
    expect(await statusFor(open.edge.port, "mesh.svc.cluster.local")).toBe(200);
  });
});

/** The status of GET / where the request names this host. */
async function statusFor(port: number, host: string): Promise<number | undefined> {
  const request = httpRequest({ host: "127.0.0.1", port, headers: { host } }).end();
  const [response] = await once(request, "response");
  response.resume();
  return response.statusCode;
}

describe("a handler", () => {
  test("sees the deadline and the headers of its call", async () => {
    let seen: CallContext | undefined;
    const { url } = await serveTasks({
      getTask: async (_request, call) => {
        seen = call;
        return { task: undefined };
      },
    });
    const before = Date.now();
    await post(url, "GetTask", {}, { "connect-timeout-ms": "60000", "x-team": "red" });
    expect(seen?.deadlineMs).toBeGreaterThan(before + 50_000);
    expect(seen?.deadlineMs).toBeLessThan(before + 70_000);
    expect(seen?.header("x-team")).toBe("red");
    await post(url, "GetTask", {});
    expect(seen?.deadlineMs).toBeUndefined();
  });

  test("that does not heed its deadline does not hold up the answer", async () => {
    const gate = new Gate();
    const { url } = await serveTasks({ getTask: () => gate.pass() });
    const answer = await post(url, "GetTask", {}, { "connect-timeout-ms": "100" });
    expect([answer.status, reasonIn(answer)]).toEqual([504, "DEADLINE_EXCEEDED"]);
    gate.open();
  });

  test("of a stream ends at the deadline, and the caller hears why", async () => {
    const { url, notes } = await serveTasks({
      async *watchTask(_request, { signal }) {
        yield logged(1);
        await aborted(signal);
      },
    });
    const message = '{"taskId":"x"}';
    const response = await fetch(`${url}/agentmesh.v1.TaskService/WatchTask`, {
      method: "POST",
      headers: { "content-type": "application/connect+json", "connect-timeout-ms": "200" },
      body: Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), Buffer.from(message)]),
    });
    const [first, last] = envelopesOf(Buffer.from(await response.arrayBuffer()));
    expect(first).toMatchObject({ entry: { sequence: "1" } });
    expect(last).toMatchObject({ error: { code: "deadline_exceeded" } });
    expect(await notes.firstCode()).toBe("DEADLINE_EXCEEDED");
  });

  test("of a unary call is told that its caller has gone", async () => {
    const began = new Gate();
    const stopped = Promise.withResolvers<void>();
    const { url, notes } = await serveTasks({
      getTask: async (_request, { signal }) => {
        void began.pass();
        await aborted(signal);
        stopped.resolve();
        return { task: undefined };
      },
    });
    const abort = new AbortController();
    const call = post(url, "GetTask", {}, {}, abort.signal).catch(() => "gone");
    await began.reached();
    abort.abort();
    expect(await call).toBe("gone");
    await stopped.promise;
    expect(await notes.firstCode()).toBe("CANCELLED");
    expect(notes.logged).toEqual([]);
  });

  test("of a stream ends when its caller has gone", async () => {
    const ended = Promise.withResolvers<void>();
    const { url, notes } = await serveTasks({
      async *watchTask(_request, { signal }) {
        try {
          yield logged(1);
          await aborted(signal);
        } finally {
          ended.resolve();
        }
      },
    });
    const abort = new AbortController();
    const answers = taskClient(url).watchTask(watch, { signal: abort.signal })[Symbol.asyncIterator]();
    await answers.next();
    abort.abort();
    expect((await connectErrorOf(answers.next())).code).toBe(Code.Canceled);
    await ended.promise;
    expect(await notes.firstCode()).toBe("CANCELLED");
    expect(notes.logged).toEqual([]);
  });

  test("of a stream waits for a slow reader, and ends when that goes away", async () => {
    let pulled = 0;
    const ended = Promise.withResolvers<void>();
    const { edge, notes } = await serveTasks({
      async *watchTask() {
        try {
          for (; ; pulled++) yield logged(pulled, 65_536);
        } finally {
          ended.resolve();
        }
      },
    });
    const socket = dial(edge.port, "127.0.0.1");
    const message = Buffer.from('{"taskId":"x"}');
    const head = Buffer.from([0, 0, 0, 0, message.length]);
    socket.write(
      "POST /agentmesh.v1.TaskService/WatchTask HTTP/1.1\r\nHost: localhost\r\n" +
        `Content-Type: application/connect+json\r\nContent-Length: ${5 + message.length}\r\n\r\n`,
    );
    socket.write(Buffer.concat([head, message]));
    socket.pause();
    await until(() => pulled > 0);
    // What the kernel's buffers of both ends take, and no more.
    expect((await settled(() => pulled)) * 65_536).toBeLessThan(32 * 1_048_576);
    socket.destroy();
    await ended.promise;
    expect(await notes.firstCode()).toBe("CANCELLED");
    expect(notes.logged).toEqual([]);
  });
});

/** The JSON messages of a Connect stream. */
function envelopesOf(body: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push(JSON.parse(body.toString("utf8", at + 5, end)));
    at = end;
  }
  return messages;
}

describe("a drain", () => {
  test("lets calls in flight end, and takes no new ones", async () => {
    const gate = new Gate();
    const { edge, url } = await serveTasks({ getTask: () => gate.pass().then(() => ({ task: undefined })) });
    const inFlight = post(url, "GetTask", {});
    await gate.reached();
    const drain = edge.drain(10_000);
    await expect(fetch(url)).rejects.toThrow();
    gate.open();
    expect((await inFlight).status).toBe(200);
    const began = performance.now();
    await drain;
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("tells the calls that it cannot wait for", async () => {
    const gate = new Gate();
    const { edge, url } = await serveTasks({
      getTask: () => gate.pass(),
      async *watchTask(_request, { signal }) {
        yield logged(1);
        await aborted(signal);
      },
    });
    const answers = taskClient(url).watchTask(watch)[Symbol.asyncIterator]();
    await answers.next();
    const unary = post(url, "GetTask", {});
    await gate.reached();
    const drain = edge.drain(50);
    const error = await connectErrorOf(answers.next());
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("SERVER_DRAINING");
    expect(reasonIn(await unary)).toBe("SERVER_DRAINING");
    await drain;
    gate.open();
  });

  test("is not held up by those who watch", async () => {
    const { edge, url } = await serveTasks({
      async *watchTask(_request, { signal }) {
        yield logged(1);
        await aborted(signal);
      },
    });
    const answers = taskClient(url).watchTask(watch)[Symbol.asyncIterator]();
    await answers.next();
    const drain = edge.drain(20_000);
    const error = await connectErrorOf(answers.next());
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("SERVER_DRAINING");
    await drain;
  });
});

test("a method without a handler says so", async () => {
  const { url } = await serveTasks({});
  const answer = await post(url, "GetTask", {});
  expect([answer.status, reasonIn(answer)]).toEqual([501, "NOT_YET_SUPPORTED"]);
});

test("gRPC-web is served too, streams and errors with it", async () => {
  const { url } = await serveTasks({
    getTask: async () => {
      throw new MeshError("TASK_NOT_FOUND", "none");
    },
    async *watchTask() {
      yield logged(1);
      yield logged(2);
    },
  });
  const client = createClient(TaskService, createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" }));
  const error = await connectErrorOf(client.getTask({ taskId: "x" }));
  expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("TASK_NOT_FOUND");
  const read: unknown[] = [];
  for await (const answer of client.watchTask(watch)) read.push(answer);
  expect(read.length).toBe(2);
});

test("GET / says what this is, what it serves, and a call to copy that works", async () => {
  const { edge, url } = await serveTasks({ listQueues: async () => ({ queues: [] }) });
  const page = await (await fetch(url)).text();
  expect(page).toContain("agentmesh 1.2.3, role testing");
  expect(page).toMatch(/agentmesh\.v1\.TaskService\n {2}SubmitTask\n/);
  expect(page).toMatch(/WatchTask +answers with a stream/);
  const [, copied = ""] = /curl (http:\S+) /.exec(page) ?? [];
  expect(copied).toContain(`127.0.0.1:${edge.port}`);
  const answer = await fetch(copied, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(await answer.json()).toEqual({});
  const head = await fetch(url, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("a port that is taken is told with the setting's name", async () => {
  const { edge } = await serveEdge({});
  const error = await errorOf(serveEdge({ port: edge.port }));
  expect(error.reason).toBe("PORT_IN_USE");
  expect(error.message).toContain("server.httpPort");
});

test("a service that the edge does not know is a fault of the house, told at its start", async () => {
  const services = [{ name: "agentmesh.v1.NoService", definition: {}, handlers: {} }];
  await expect(serveEdge({ services })).rejects.toThrow(/NoService/);
});

/** The edge over the services of a role and a real store. */
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { TaskState } from "../../gen/web/agentmesh/v1/task_pb.js";
import { defineRole } from "../../src/agent/role.ts";
import { catalogOf } from "../../src/agent/role-catalog.ts";
import { roleServices } from "../../src/agent/role-server.ts";
import { systemClock } from "../../src/core/clock.ts";
import { limits } from "../../src/core/limits.ts";
import { silentLogger } from "../../src/core/log.ts";
import { MemoryRegistry } from "../../src/fleet/memory/registry.ts";
import { Gate, TestMesh } from "../support/mesh.ts";
import { post, reasonIn, serveEdge, taskClient } from "./kit.ts";

async function meshWithEdge(gate: Gate) {
  const echo = defineRole({
    name: "echo",
    summary: "Says back what it is told",
    input: z.object({ words: z.string() }),
    output: z.object({ words: z.string() }),
    async run(input, task) {
      task.log("listening");
      await gate.pass();
      return input;
    },
  });
  const mesh = await TestMesh.start({ roles: [echo] });
  onTestFinished(() => mesh.close());
  const services = roleServices({
    ...{ role: "echo", host: "127.0.0.1", port: 0, queue: mesh.queue, catalog: catalogOf([echo]) },
    ...{ registry: new MemoryRegistry(systemClock) },
    ...{ clock: systemClock, payloadBytesMax: limits.payloadBytesMax, log: silentLogger },
    ...{ observe: () => {}, draining: new AbortController().signal, more: () => [] },
  });
  return { mesh, ...(await serveEdge({ services, role: "echo" })) };
}

const spec = { input: { json: { words: "hello" } } };

test("a task goes in by curl, is watched live by Connect, and comes out as JSON", async () => {
  const gate = new Gate();
  const { mesh, url } = await meshWithEdge(gate);
  mesh.work();
  const submitted = await post(url, "SubmitTask", { spec });
  expect(submitted.status).toBe(200);
  const task = submitted.body.task as { id: string; state: string };
  expect(task.state).toBe("TASK_STATE_QUEUED");
  const cases: string[] = [];
  for await (const { event } of taskClient(url, false).watchTask({ taskId: task.id })) {
    const entry = event.case === "entry" ? event.value.entry : undefined;
    cases.push(entry?.case ?? event.case ?? "");
    // The line is on its way while the task runs: what follows it was not there when the watch began.
    if (entry?.case === "line") gate.open();
    if (event.case === "final") expect(event.value.state).toBe(TaskState.SUCCEEDED);
  }
  expect(cases.at(-1)).toBe("final");
  expect(cases).toContain("line");
  const got = await post(url, "GetTask", { taskId: task.id });
  expect(got.body.task).toMatchObject({
    state: "TASK_STATE_SUCCEEDED",
    output: { json: { words: "hello" } },
    spec: { role: "echo" },
  });
});

test("the same task is the same in JSON, in Connect's binary form and over gRPC", async () => {
  const { mesh, url } = await meshWithEdge(new Gate());
  const input = { body: { case: "json", value: { words: "hi" } } } as const;
  const { task } = await taskClient(url).submitTask({
    spec: { priority: 0, labels: { team: "red" }, input },
  });
  const taskId = task?.id ?? "";
  const overGrpc = await mesh.client().get(taskId);
  const asJson = (await post(url, "GetTask", { taskId })).body.task as Record<string, unknown>;
  const asBinary = (await taskClient(url).getTask({ taskId })).task;
  expect(overGrpc.spec).toMatchObject({ priority: 0, labels: { team: "red" }, role: "echo" });
  expect(asJson.spec).toMatchObject({ priority: 0, labels: { team: "red" }, role: "echo" });
  expect(asBinary?.spec).toMatchObject({ priority: 0, labels: { team: "red" }, role: "echo" });
  expect(asJson.id).toBe(overGrpc.id);
});

test("what the service refuses is refused in its own words", async () => {
  const { url } = await meshWithEdge(new Gate());
  const unknown = await post(url, "SubmitTask", { spec: { ...spec, role: "ecco" } });
  expect([unknown.status, reasonIn(unknown)]).toEqual([400, "UNKNOWN_ROLE"]);
  expect(unknown.body.message).toContain('Did you mean "echo"?');
  const input = await post(url, "SubmitTask", { spec: { input: { json: { words: 7 } } } });
  expect([input.status, reasonIn(input)]).toEqual([400, "INVALID_FIELD"]);
  expect(input.body.message).toContain("words");
  const missing = await post(url, "GetTask", { taskId: "echo.01kabc" });
  expect([missing.status, reasonIn(missing)]).toEqual([404, "TASK_NOT_FOUND"]);
  expect(reasonIn(await post(url, "ProvideInput", {}))).toBe("NOT_YET_SUPPORTED");
  const paused = await post(url, "PauseQueue", { role: "echo", reason: "deploy", actor: "anna" });
  expect(paused.body.queue).toMatchObject({ paused: true, pauseReason: "by anna: deploy" });
});

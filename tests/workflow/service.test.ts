/** Workflows end to end: real servers, a real store, the real orchestrator. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { type Workflow, WorkflowServiceService } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { defineRole } from "../../src/agent/role.ts";
import type { MeshClient } from "../../src/client/mesh-client.ts";
import { TerminalError } from "../../src/core/errors.ts";
import { fromPayload } from "../../src/core/payload.ts";
import orchestrator from "../../src/roles/orchestrator/index.ts";
import { parseWorkflow } from "../../src/workflow/definition.ts";
import { workflowServices } from "../../src/workflow/service.ts";
import { errorOf, gather, stateName, TestMesh } from "../support/mesh.ts";

const Numbers = z.strictObject({ of: z.array(z.number()) });
const sum = defineRole({
  name: "sum",
  summary: "Adds",
  input: Numbers,
  output: z.object({ total: z.number() }),
  run: ({ of }) => ({ total: of.reduce((a, b) => a + b, 0) }),
});
const fails = defineRole({
  name: "fails",
  summary: "Fails for good",
  input: z.object({}),
  output: z.unknown(),
  run: () => {
    throw new TerminalError("BROKEN", "as it is meant to");
  },
});
const tells = defineRole({
  name: "tells",
  summary: "Tells what it was given",
  input: z.unknown(),
  output: z.unknown(),
  run: (input) => input,
});
let begun = () => {};
const waits = defineRole({
  name: "waits",
  summary: "Waits for its signal",
  input: z.object({}),
  output: z.object({}),
  async run(_input, task) {
    begun();
    await new Promise((resolve) => task.signal.addEventListener("abort", resolve, { once: true }));
    return {};
  },
});

let mesh: TestMesh;
let client: MeshClient;
beforeAll(async () => {
  mesh = await TestMesh.start({ roles: [orchestrator, sum, fails, tells, waits], more: workflowServices });
  mesh.work();
  client = mesh.client();
});
afterAll(() => mesh.close());

const parse = (text: string) => parseWorkflow(text, "test.yaml");

async function runToEnd(text: string, inputs: Record<string, unknown> = {}): Promise<Workflow> {
  const { id } = await client.workflows.run(parse(text), inputs);
  const last = (await gather(client.workflows.watch(id))).at(-1)?.event;
  if (last?.$case !== "final") throw new Error(`the watch ended with ${last?.$case}`);
  return last.value;
}

const states = (workflow: Workflow) =>
  Object.fromEntries(workflow.nodes.map((node) => [node.name, stateName(node.state)]));

test("a diamond: outputs flow through templates, and the watch tells each node's log", async () => {
  const text = `
name: diamond
inputs: { start: 1 }
nodes:
  a: { role: sum, input: { of: ["\${{ inputs.start }}", 1] } }
  b: { role: sum, needs: [a], input: { of: ["\${{ a.total }}", 10] } }
  c: { role: sum, needs: [a], input: { of: ["\${{ a.total }}", 100] } }
  d: { role: sum, needs: [b, c], input: { of: ["\${{ b.total }}", "\${{ c.total }}"] } }
output: d
`;
  const { id } = await client.workflows.run(parse(text), { start: 5 });
  const events = await gather(client.workflows.watch(id));
  const told = new Set(events.map(({ event }) => (event?.$case === "entry" ? event.value.node : "")));
  expect(told).toEqual(new Set(["", "a", "b", "c", "d"]));
  const final = await client.workflows.get(id);
  expect(fromPayload(final.output)).toEqual({ total: 122 });
  expect(stateName(final.state)).toBe("SUCCEEDED");
  expect(final.nodes.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
});

test("without `output`, every node's", async () => {
  const workflow = await runToEnd(
    "name: two\nnodes:\n  a: { role: sum, input: { of: [1] } }\n  b: { role: sum, input: { of: [2] } }\n",
  );
  expect(fromPayload(workflow.output)).toEqual({ a: { total: 1 }, b: { total: 2 } });
});

test("a failed node fails those that need it, and the workflow says which", async () => {
  const workflow = await runToEnd(
    "name: f\nnodes:\n  a: { role: fails }\n  b: { role: sum, needs: [a], input: { of: [1] } }\n",
  );
  expect(states(workflow)).toEqual({ a: "FAILED", b: "FAILED" });
  expect(workflow.nodes[1]?.error?.kind).toBe("PARENT_FAILED");
  expect(workflow.error).toMatchObject({
    kind: "NODE_FAILED",
    message: expect.stringContaining("BROKEN: as it is meant to"),
  });
});

test("runOnFailure: the node runs, and reads the error in place of the output", async () => {
  const workflow = await runToEnd(
    'name: f\nnodes:\n  a: { role: fails }\n  b: { role: tells, needs: [a], runOnFailure: true, input: { a: "${{ a }}" } }\noutput: b\n',
  );
  expect(stateName(workflow.state)).toBe("SUCCEEDED");
  expect(fromPayload(workflow.output)).toEqual({
    a: { error: { kind: "BROKEN", message: "as it is meant to" } },
  });
});

test("a template that leads nowhere fails its node with where and what there is", async () => {
  const workflow = await runToEnd(
    'name: f\nnodes:\n  a: { role: sum, input: { of: [1] } }\n  b: { role: tells, needs: [a], input: { x: "${{ a.totl }}" } }\n',
  );
  expect(workflow.nodes[1]?.error).toMatchObject({
    kind: "TEMPLATE_ERROR",
    message: 'input.x: ${{ a.totl }} leads nowhere: a has no "totl"; it has total',
  });
});

test("nothing of a workflow that is at fault is taken in", async () => {
  const before = (await gather(client.list({}))).length;
  const error = await errorOf(
    client.workflows.run(
      parse(
        "name: f\nnodes:\n  a: { role: sum, input: { of: [one] } }\n  b: { role: sum, input: { of: [1] } }\n",
      ),
    ),
  );
  expect(error).toMatchObject({ reason: "INVALID_WORKFLOW", fields: [{ field: "spec.nodes.a.input.of.0" }] });
  expect((await gather(client.list({}))).length).toBe(before);
});

test("the same idempotency key runs once", async () => {
  const spec = parse("name: once\nnodes:\n  a: { role: sum, input: { of: [1] } }\n");
  const runs = await Promise.all(
    Array.from({ length: 20 }, () => client.workflows.run(spec, {}, { idempotencyKey: "once" })),
  );
  expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
  await gather(client.workflows.watch(runs[0]?.id ?? ""));
  const nodes = await gather(client.list({ workflowId: runs[0]?.id }));
  expect(nodes).toHaveLength(1);
});

test("cancelling ends the workflow and every node, running ones too", async () => {
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { id } = await client.workflows.run(
    parse("name: c\nnodes:\n  a: { role: waits }\n  b: { role: sum, needs: [a], input: { of: [1] } }\n"),
  );
  await started;
  const canceled = await client.workflows.cancel(id, "enough");
  expect(canceled.state).toBe(TaskState.CANCELED);
  expect(states(canceled)).toEqual({ a: "CANCELED", b: "CANCELED" });
  expect((await gather(client.workflows.watch(id))).at(-1)?.event?.$case).toBe("final");
});

test("a workflow begun before a crash of its server is carried on after it", async () => {
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { id } = await client.workflows.run(
    parse("name: r\nnodes:\n  a: { role: waits }\n  b: { role: sum, input: { of: [1] } }\n"),
  );
  await started;
  await mesh.down();
  await mesh.up();
  // The old connection may still pause before it dials again.
  client = mesh.client();
  const restored = await client.workflows.get(id);
  expect(restored.nodes.map(({ name }) => name)).toEqual(["a", "b"]);
  const canceled = await client.workflows.cancel(id);
  expect(canceled.state).toBe(TaskState.CANCELED);
});

test("a watch goes on across a restart of the server: every entry once, then the end", async () => {
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { id } = await client.workflows.run(
    parse("name: w\nnodes:\n  a: { role: waits }\n  b: { role: sum, input: { of: [1] } }\n"),
  );
  const watched = gather(client.workflows.watch(id));
  await started;
  await mesh.down();
  await mesh.up();
  client = mesh.client();
  await client.workflows.cancel(id);
  const events = await watched;
  expect(events.at(-1)?.event?.$case).toBe("final");
  const told = events.flatMap(({ event }) =>
    event?.$case === "entry" ? [`${event.value.node} ${event.value.entry?.sequence}`] : [],
  );
  expect(new Set(told).size).toBe(told.length);
  for (const node of ["", "a", "b"]) expect(told).toContain(`${node} 1`);
});

test("a watch from a sequence of a node that is not there is refused by its name", async () => {
  const { id } = await client.workflows.run(
    parse("name: w\nnodes:\n  a: { role: sum, input: { of: [1] } }\n"),
  );
  const request = { workflowId: id, fromSequences: { nowhere: 2 } };
  const watch = mesh
    .connection()
    .serverStream(WorkflowServiceService.watchWorkflow, request, { timeoutMs: 5_000 });
  expect(await errorOf(gather(watch))).toMatchObject({ fields: [{ field: 'from_sequences["nowhere"]' }] });
});

test("the orchestrator takes no run that could not be carried out", async () => {
  for (const spec of ["////", {}, { nodes: { a: { needs: ["a"] } } }, { nodes: { a: { needs: ["b"] } } }]) {
    const refused = await errorOf(client.submit("orchestrator", { spec, inputs: {} }));
    expect(refused).toMatchObject({ reason: "INVALID_FIELD" });
    expect(refused.fields[0]?.field).toMatch(/^spec\.input\.spec/);
  }
});

test.each([
  ["", "workflow_id"],
  ["testing.01abc", "workflow_id"],
])("the id %j is refused by its field", async (id, field) => {
  expect(await errorOf(client.workflows.get(id))).toMatchObject({
    reason: "INVALID_FIELD",
    fields: [{ field }],
  });
});

test("an unknown workflow is said to be so", async () => {
  expect(await errorOf(client.workflows.get("orchestrator.0nothing"))).toMatchObject({
    reason: "WORKFLOW_NOT_FOUND",
  });
});

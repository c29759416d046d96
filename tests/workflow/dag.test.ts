/** The shape of workflows: order, cycles, faults, plans; by properties and by table. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dependency_Condition } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { fromPayload } from "../../src/core/payload.ts";
import type { Catalog } from "../../src/queue/service/catalog.ts";
import { newTask } from "../../src/queue/service/submission.ts";
import { retryPolicyDefault } from "../../src/queue/task.ts";
import { findCycle, topological, workflowFaults } from "../../src/workflow/dag.ts";
import { inputFaults, nodeTaskId, planTasks } from "../../src/workflow/plan.ts";

const role = (name: string) => ({ name, retry: retryPolicyDefault, timeouts: {}, checkInput: () => [] });
const catalog: Catalog = new Map(["testing", "synthesis"].map((name) => [name, role(name)]));

/** Graphs whose nodes need only earlier ones: without a cycle by construction. */
const acyclic = fc
  .array(fc.array(fc.nat({ max: 11 }), { maxLength: 4 }), { minLength: 1, maxLength: 12 })
  .map((needs) =>
    Object.fromEntries(
      needs.map((list, index) => [
        `n${index}`,
        { needs: [...new Set(list.filter((need) => need < index).map((need) => `n${need}`))] },
      ]),
    ),
  );

test("topological: every node once, after all it needs", () => {
  fc.assert(
    fc.property(acyclic, (nodes) => {
      const order = topological(nodes);
      expect([...order].sort()).toEqual(Object.keys(nodes).sort());
      for (const [name, { needs }] of Object.entries(nodes))
        for (const need of needs) expect(order.indexOf(need)).toBeLessThan(order.indexOf(name));
    }),
  );
});

test("findCycle: none without one; with an edge back, a path along edges that ends where it began", () => {
  fc.assert(
    fc.property(acyclic, fc.nat(), fc.nat(), (nodes, a, b) => {
      expect(findCycle(nodes)).toBeUndefined();
      const order = topological(nodes);
      const from = order[a % order.length] as string;
      const to = order[b % order.length] as string;
      const closed = { ...nodes, [from]: { needs: [...(nodes[from]?.needs ?? []), to] } };
      const cycle = findCycle(closed);
      if (from === to) expect(cycle).toEqual([from, to]);
      if (!cycle) return;
      expect(cycle.at(0)).toBe(cycle.at(-1));
      cycle.slice(1).forEach((need, index) => {
        expect(closed[cycle[index] as string]?.needs).toContain(need);
      });
    }),
  );
});

const spec = (nodes: Record<string, object>, rest: object = {}) =>
  WorkflowSpec.fromPartial({ name: "w", nodes: nodes as never, ...rest });

describe("faults name the field and the way out", () => {
  test.each([
    [
      "a cycle",
      spec({
        a: { role: "testing", needs: ["c"] },
        b: { role: "testing", needs: ["a"] },
        c: { role: "testing", needs: ["b"] },
      }),
      "nodes",
      "a cycle: a -> c -> b -> a",
    ],
    ["a node that needs itself", spec({ a: { role: "testing", needs: ["a"] } }), "nodes", "a cycle: a -> a"],
    [
      "an unknown need",
      spec({ a: { role: "testing", needs: ["b"] } }),
      "nodes.a.needs[0]",
      'there is no node "b"',
    ],
    [
      "a need named twice",
      spec({ a: { role: "testing" }, b: { role: "testing", needs: ["a", "a"] } }),
      "nodes.b.needs[1]",
      "twice",
    ],
    ["an unknown role", spec({ a: { role: "testin" } }), "nodes.a.role", 'Did you mean "testing"?'],
    ["no nodes", spec({}), "nodes", "at least one"],
    ["a bad name", spec({ a: { role: "testing" } }, { name: "Not A Name" }), "name", "lower-case"],
    ["a bad node name", spec({ A: { role: "testing" } }), "nodes.A", "lower-case"],
    ["a node named inputs", spec({ inputs: { role: "testing" } }), "nodes.inputs", "inputs"],
    ["an unknown output", spec({ a: { role: "testing" } }, { output: "z" }), "output", 'no node "z"'],
    [
      "a template of what is not needed",
      spec({ a: { role: "testing" }, b: { role: "testing", input: { x: "${{ a.y }}" } } }),
      "nodes.b.input.x",
      'add "a" to needs',
    ],
    [
      "a template of an undeclared input",
      spec({ a: { role: "testing", input: { x: "${{ inputs.q }}" } } }),
      "nodes.a.input.x",
      'no input "q"',
    ],
    [
      "a malformed template",
      spec({ a: { role: "testing", input: { x: "${{ a b }}" } } }),
      "nodes.a",
      "is not a reference",
    ],
    ["a field to come", spec({ a: { role: "testing", condition: "x" } }), "nodes.a.condition", "not served"],
  ])("%s", (_what, workflow, field, description) => {
    const fault = workflowFaults(workflow, catalog).find((found) => found.field === field);
    expect(fault?.description).toContain(description);
  });

  test("a sound workflow has none", () => {
    const sound = spec(
      {
        a: { role: "testing", input: { x: "${{ inputs.q }}" } },
        b: { role: "synthesis", needs: ["a"], input: { y: "is ${{ a.z }}" } },
      },
      { inputs: { q: null } },
    );
    expect(workflowFaults(sound, catalog)).toEqual([]);
  });

  test("inputs: unknown and missing ones", () => {
    const declared = spec({ a: { role: "testing" } }, { inputs: { must: null, may: 1 } });
    expect(inputFaults(declared, { must: "x" })).toEqual([]);
    expect(inputFaults(declared, { mist: 1 }).map(({ field }) => field)).toEqual([
      "inputs.mist",
      "inputs.must",
    ]);
  });
});

test("a plan: parents first, their ids known beforehand, inputs rendered, parents' outputs left for the lease", () => {
  const workflow = spec(
    {
      b: {
        role: "synthesis",
        needs: ["a"],
        needsCondition: Dependency_Condition.FINISHED,
        input: { from: "${{ a }}", q: "${{ inputs.q }}" },
      },
      a: { role: "testing", input: { repository: "${{ inputs.q }}" } },
    },
    { inputs: { q: null, unused: 1 } },
  );
  const plan = planTasks("orchestrator.7", "t", workflow, { q: "x" });
  expect(plan.map(({ node }) => node)).toEqual(["a", "b"]);
  const [a, b] = plan.map((planned) => planned.spec);
  expect(fromPayload(a?.input)).toEqual({ repository: "x" });
  expect(a?.renderInput).toBe(false);
  expect(fromPayload(b?.input)).toEqual({ from: "${{ a }}", q: "x" });
  expect(b?.renderInput).toBe(true);
  expect(b?.dependencies).toEqual([
    {
      taskId: nodeTaskId("orchestrator.7", "a", "testing", "t"),
      name: "a",
      condition: Dependency_Condition.FINISHED,
    },
  ]);
});

test("the id that a plan foresees is the one that a submit gives", () => {
  const [planned] = planTasks("orchestrator.7", "t", spec({ a: { role: "testing" } }), {});
  const context = { catalog, roleDefault: "", payloadBytesMax: 1_000, nowMs: 0 };
  expect(newTask(planned?.spec as never, "spec", context).id).toBe(
    nodeTaskId("orchestrator.7", "a", "testing", "t"),
  );
});

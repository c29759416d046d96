/** Workflow files: what they may hold, and that each fault is told with its line. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Dependency_Condition } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../../src/core/errors.ts";
import { parseWorkflow } from "../../src/workflow/definition.ts";

function faultsOf(text: string): string[] {
  try {
    parseWorkflow(text, "w.yaml");
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    expect(error.reason).toBe("INVALID_WORKFLOW");
    return error.fields.map(({ field, description }) => `${field}: ${description}`);
  }
  throw new Error("no fault was found");
}

test("every field of a file arrives in the spec", () => {
  const spec = parseWorkflow(
    `name: all
description: every field
inputs: { a: null, b: 2 }
nodes:
  one:
    role: testing
    title: The first
    input: { deep: [1, { x: "\${{ inputs.a }}" }] }
    priority: 0
    retry: { attempts: 5, backoffSeconds: 0.5, backoffMaxSeconds: 90, notRetried: [NO_TESTS] }
  two: { role: synthesis, needs: [one], runOnFailure: true }
output: two
`,
    "w.yaml",
  );
  expect(spec).toMatchObject({ name: "all", inputs: { a: null, b: 2 }, output: "two" });
  expect(spec.nodes.one).toMatchObject({
    priority: 0,
    input: { deep: [1, { x: "${{ inputs.a }}" }] },
    retry: {
      attemptsMax: 5,
      backoffInitial: { seconds: 0, nanos: 500_000_000 },
      backoffMax: { seconds: 90, nanos: 0 },
      errorsNotRetried: ["NO_TESTS"],
    },
  });
  expect(spec.nodes.two).toMatchObject({
    needs: ["one"],
    needsCondition: Dependency_Condition.FINISHED,
    priority: undefined,
  });
});

test("the shipped review parses", () => {
  const file = new URL("../../src/workflow/library/review.yaml", import.meta.url);
  expect(Object.keys(parseWorkflow(readFileSync(file, "utf8"), "review.yaml").nodes)).toEqual([
    "tests",
    "security",
    "report",
  ]);
});

describe("a fault is told with its line", () => {
  test.each([
    [
      "name: a\nnodes:\n  x:\n    role: testing\n    neeeds: [y]\n",
      ['w.yaml:5: nodes.x.neeeds: unknown field; did you mean "needs"?'],
    ],
    ["name: a\nnode: {}\nnodes: {}\n", ['w.yaml:2: node: unknown field; did you mean "nodes"?']],
    [
      "name: a\nnodes:\n  x:\n    role: testing\n    retry:\n      attempt: 2\n",
      ['w.yaml:6: nodes.x.retry.attempt: unknown field; did you mean "attempts"?'],
    ],
    ["name: a\nnodes:\n  x:\n    role: 7\n", ["w.yaml:4: nodes.x.role:"]],
    ["nodes: {}\n", ["w.yaml:1: name:"]],
    ["", ["w.yaml:1:"]],
    ["name: [unclosed\n", ["w.yaml:"]],
    ["name: a\nname: b\nnodes: {}\n", ["w.yaml:2: Map keys must be unique"]],
    [
      "name: a\nnodes:\n  x: { role: t, priority: 11 }\n  y: { role: t, bogus: 1 }\n",
      ["w.yaml:3: nodes.x.priority:", "w.yaml:4: nodes.y.bogus:"],
    ],
  ])("%j", (text, starts) => {
    const faults = faultsOf(text);
    for (const start of starts)
      expect(
        faults.some((fault) => fault.startsWith(start)),
        `${start} in ${faults.join("\n")}`,
      ).toBe(true);
  });
});

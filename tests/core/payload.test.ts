import { describe, expect, test } from "vitest";
import { z } from "zod";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkRequest } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { WatchWorkflowResponse } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { limits } from "../../src/core/limits.ts";
import { checkLevels, fromPayload, toPayload } from "../../src/core/payload.ts";

/** Objects, or lists in turn with objects, within each other. */
function nested(levels: number, lists = false): unknown {
  let value: unknown = "the bottom";
  for (let level = 0; level < levels; level++) value = lists && level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe("a payload's levels", () => {
  test.each([false, true])("as many as are allowed are read in the deepest messages (lists: %s)", (lists) => {
    const output = toPayload(nested(limits.jsonLevelsMax, lists));
    expect(output.body?.$case).toBe("json");
    const value = { output };
    const request = WorkRequest.fromPartial({ finish: [{ result: { $case: "succeeded", value } }] });
    expect(() => WorkRequest.decode(WorkRequest.encode(request).finish())).not.toThrow();
    const nodes = [{ name: "n", state: TaskState.SUCCEEDED }];
    const workflow = { output, nodes };
    const response = WatchWorkflowResponse.fromPartial({ event: { $case: "final", value: workflow } });
    expect(() => WatchWorkflowResponse.decode(WatchWorkflowResponse.encode(response).finish())).not.toThrow();
    expect(fromPayload(output)).toEqual(nested(limits.jsonLevelsMax, lists));
  });

  test.each([
    ["one more than a Struct may have", limits.jsonLevelsMax + 1],
    ["as many as text may have", limits.jsonTextLevelsMax],
  ])("%s travel as text", (_, levels) => {
    const payload = toPayload(nested(levels));
    expect(payload).toMatchObject({ body: { $case: "data" }, contentType: "application/json" });
    expect(JSON.stringify(fromPayload(payload))).toBe(JSON.stringify(nested(levels)));
    expect(() => checkLevels("input", payload, fromPayload(payload))).not.toThrow();
    expect(z.json().safeParse(fromPayload(payload)).success).toBe(true);
  });

  test.each([
    ["one more", nested(limits.jsonTextLevelsMax + 1)],
    ["very many", nested(50_000)],
    ["lists", nested(50_000, true)],
    ["what toJSON answers", { toJSON: () => nested(limits.jsonTextLevelsMax + 1) }],
  ])("too many are refused by the field's name: %s", (_, value) => {
    expect(() => toPayload(value, "output")).toThrow(/^output: is nested more than 1000 levels deep/);
  });

  test("a circle is refused", () => {
    const circle: Record<string, unknown> = {};
    circle.me = [circle];
    expect(() => toPayload(circle)).toThrow(/^input: is nested more than/);
  });

  test("a payload made elsewhere is held to the same", () => {
    const json = nested(limits.jsonLevelsMax + 1) as Record<string, unknown>;
    const payload = { body: { $case: "json", value: json }, contentType: "" } as const;
    expect(() => checkLevels("input", payload, json)).toThrow(
      /input: is nested more than 24 levels deep; send it as data/,
    );
    const text = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const data = {
      body: { $case: "data", value: Buffer.from(text) },
      contentType: "application/json",
    } as const;
    expect(() => checkLevels("input", data, fromPayload(data))).toThrow(
      /input: is nested more than 1000 levels deep/,
    );
  });
});

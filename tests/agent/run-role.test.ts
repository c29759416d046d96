import { expect, test } from "vitest";
import { z } from "zod";
import { defineRole } from "../../src/agent/role.ts";
import { runRole } from "../../src/agent/run-role.ts";
import { Suspension } from "../../src/agent/suspension.ts";
import { TerminalError } from "../../src/core/errors.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";

const role = defineRole({
  name: "greeter",
  summary: "for tests",
  input: z.object({ name: z.string().default("nobody"), times: z.number().max(3).optional() }),
  output: z.object({ text: z.string() }),
  async run(input, task) {
    task.log("begin");
    task.log("careful", "warn");
    task.progress(0.5, "half");
    task.progress(1);
    task.emit("chunk");
    task.emit(new Uint8Array([1]), "named");
    task.usage({ tokens: 3 });
    task.usage({ tokens: 4, usd: 0.5 });
    return { text: `hello ${input.name}, attempt ${task.attempt}`, extra: "cut" };
  },
});

test("answers with the output and with all that the handler told", async () => {
  expect(await runRole(role, { name: "you" }, { attempt: 2 })).toEqual({
    output: { text: "hello you, attempt 2" },
    logs: [
      { level: "info", line: "begin" },
      { level: "warn", line: "careful" },
    ],
    progress: [
      { fraction: 0.5, message: "half" },
      { fraction: 1, message: undefined },
    ],
    chunks: [
      { name: undefined, chunk: "chunk" },
      { name: "named", chunk: new Uint8Array([1]) },
    ],
    usage: { tokens: 7, usd: 0.5 },
  });
});

test("no input is the empty one, as it is for a worker", async () => {
  expect((await runRole<{ text: string }>(role, undefined)).output.text).toBe("hello nobody, attempt 1");
});

test("an input and an output that do not fit are told with their paths", async () => {
  await expect(runRole(role, { times: 9 })).rejects.toThrow("times");
  const wrong = { ...role, run: () => ({ text: 7 }) };
  await expect(runRole(wrong, {})).rejects.toThrow("text");
});

/** A role of one handler. */
const of = (run: Parameters<typeof defineRole>[0]["run"]) =>
  defineRole({ name: "one", summary: "", input: z.any(), output: z.any(), run });

test("what the handler throws is what it rejects with", async () => {
  const thrown = new TerminalError("NO", "never");
  const failing = of(() => {
    throw thrown;
  });
  await expect(runRole(failing, {})).rejects.toBe(thrown);
});

test("calls are answered by the test; without one they say so, and so does the mesh", async () => {
  const caller = of(async (input, task) => task.call("other", input));
  const call = async (name: string, input: unknown) => ({ name, input });
  expect((await runRole(caller, { a: 1 }, { call })).output).toEqual({ name: "other", input: { a: 1 } });
  await expect(runRole(caller, {})).rejects.toMatchObject({ kind: "NO_MESH" });
  await expect(
    runRole(
      of((_, task) => task.mesh.server),
      {},
    ),
  ).rejects.toMatchObject({ kind: "NO_MESH" });
});

test("a suspension is what it rejects with, and resumed is what it left", async () => {
  const waits = of((_, task) => task.resumed ?? task.suspend(["one.a"], { step: 1 }));
  const suspended = await runRole(waits, {}).catch((thrown: unknown) => thrown);
  expect(suspended).toBeInstanceOf(Suspension);
  expect(suspended).toMatchObject({ until: ["one.a"], state: { step: 1 } });
  expect((await runRole(waits, {}, { resumed: { step: 1 } })).output).toEqual({ step: 1 });
});

test("the signal is the test's, and the sandbox gets it", async () => {
  const abort = new AbortController();
  const seen: unknown[] = [];
  const sandbox = { run: async (...args: unknown[]) => void seen.push(args) } as unknown as Sandbox;
  const runs = of(async (_, task) => void (await task.sandbox(["true"], { cwd: "/" } as never)));
  await runRole(runs, {}, { signal: abort.signal, sandbox });
  expect(seen).toEqual([[["true"], { signal: abort.signal, cwd: "/" }]]);
});
